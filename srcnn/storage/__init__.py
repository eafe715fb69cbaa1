"""Files, folders and buckets by URL: listed, read, and written whole or not at all."""
