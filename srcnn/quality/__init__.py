"""How good enlarged pictures are: pictures made small, and results against the originals."""
