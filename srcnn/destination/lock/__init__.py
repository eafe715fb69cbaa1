"""One run at a time on a destination, on any storage, and how remote workers follow that run."""
