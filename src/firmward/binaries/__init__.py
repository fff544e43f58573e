"""What bytes that were built tell of themselves: strings, parts, secrets and what was left in.

The vendor scans what it is about to ship, the hospital what it was handed; both look with the same
eyes, and neither takes the other's word.  Nothing here says what a find is worth to either.
"""
