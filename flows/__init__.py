"""The flows: they compose tasks, and hold options, settings and exit codes."""
