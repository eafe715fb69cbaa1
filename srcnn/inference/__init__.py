"""Run the network on a picture: the Python interface, the tiled engine, and untiled graphs."""
