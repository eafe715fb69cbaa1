"""How the steps of a flow run: tracked or not, on threads or Dask, until a signal."""
