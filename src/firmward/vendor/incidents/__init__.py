"""Incidents from the field: what hospitals report, and how the next release answers it."""
