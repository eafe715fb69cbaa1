"""What a run will take: images sampled from its plan, measured in memory, extrapolated."""
