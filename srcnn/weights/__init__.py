"""The weights that ship with the package; see `scripts/train_bundled.py`."""
