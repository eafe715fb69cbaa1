"""Prefect tasks: grain, retries, logging. The work itself is in `srcnn`."""
