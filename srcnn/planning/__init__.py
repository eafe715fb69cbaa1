"""What a run will do: sources, scales, names of outputs, what is up to date."""
