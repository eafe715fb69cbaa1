"""One run at a time on a destination, on any storage; and work elsewhere that follows it."""
