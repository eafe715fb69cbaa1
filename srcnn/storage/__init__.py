"""Files, folders and buckets by URL: listed, read, and written atomically."""
