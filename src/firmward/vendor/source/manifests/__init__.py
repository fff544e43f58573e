"""Readers of the files by which a build fetches other people's code, one module a family.

Each gives the pins of one manifest: what is fetched, and the digest that fixes it, if one does.
They read text and start nothing: neither a manifest nor a lock is ever run or resolved.
"""
