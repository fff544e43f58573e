"""Who is asking?  Three listeners, one access table, nothing reachable without a row in it."""
