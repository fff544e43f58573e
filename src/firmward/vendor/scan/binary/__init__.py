"""How hard a built image makes it for whoever finds a flaw in it, and what was left lying in it."""
