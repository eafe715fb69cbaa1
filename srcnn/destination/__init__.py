"""The job's own state under `<dst>/.srcnn`: the ledger of outputs and the lock of the run."""
