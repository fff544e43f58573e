"""What do we know?  The store, the blobs, the ledger, and the rows of each kind of thing."""
