"""All that lies under `<dst>/.srcnn`: the ledger and the lock."""
