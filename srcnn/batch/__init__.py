"""The work of a batch: shards, images, memory, cancellation."""
