"""The outcome of a run: report, summary, progress, contact sheet."""
