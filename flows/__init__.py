"""The flows: they compose tasks, and define options, settings and exit statuses."""
