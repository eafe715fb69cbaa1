"""Run the network on a picture: the Python interface, the engine, and graphs of any form."""
