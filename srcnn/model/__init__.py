"""The model file, the card that it carries, and how it is published."""
