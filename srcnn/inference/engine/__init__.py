"""The engine: a network of convolutions behind a cubic upsampling, at the machine's limit."""
