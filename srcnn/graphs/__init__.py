"""What an exported graph must look like, and the check of a given one. Imports no torch."""
