"""What do we do?  Remedies, quarantine cases and tickets, each reversible after review."""
