"""What an exported graph must be, and whether a given one is. Imports no torch."""
