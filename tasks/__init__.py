"""Prefect tasks: units of work, with their log lines. The work itself is in `srcnn`."""
