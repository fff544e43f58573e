"""Root file systems: what lies in them, and the package databases that say what it is."""
