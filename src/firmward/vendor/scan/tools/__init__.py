"""Other people's scanners, each in a locked virtual environment of its own.

Their requirements contradict one another and ours, and some are under the GPL: they are run, never
imported.  `locks` says what each consists of, file by file; whoever can change a lock runs code
with the rights of the account that scans.
"""
