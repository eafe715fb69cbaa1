"""Measure how good enlarged images are: shrink originals, enlarge them again, and compare."""
