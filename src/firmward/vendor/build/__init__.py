"""From a checkout to sealed bytes: the build command, its cell, the store, the second build."""
