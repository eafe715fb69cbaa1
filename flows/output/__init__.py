"""How a run is shown: bar, log lines, JSON lines, Prefect artifacts."""
