"""The weights that ship with the package; see CONTRIBUTING.md for how they are made."""
