"""A picture through the network: from Python, by tiles, or whole."""
