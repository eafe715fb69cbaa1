"""Options of the flows, and settings of the machine."""
