"""Training of the weights that ship with the project, or of a user's own: PyTorch, no Prefect."""
