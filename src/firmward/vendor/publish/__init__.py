"""Publish: the vendor's signed repository, how it gets to where hospitals fetch, and revoking."""
