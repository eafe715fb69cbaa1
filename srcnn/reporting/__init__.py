"""What a run came to: report, summary, progress, contact sheet."""
