"""Validated source: what a release is made from, and why it may be.

commit      a commit, signed and whole; submodules and origin with it
signers     who may sign commits
signed      whether one of them did
checkout    the commit laid out in a folder
pins        dependencies that are fetched, and whether a digest fixes what is fetched
git         git at work without the repository's settings
"""
