"""The engine: a cubic upsampling and convolutions, computed in tiles on all cores."""
