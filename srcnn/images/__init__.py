"""Image files and their pixels: formats, decoding, encoding, metadata."""
