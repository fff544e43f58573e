"""May it come in?  From a vendor's bytes to a judgement that gives every reason.

bundle    bytes -> Bundle, the archive as a value
intake    Bundle -> Verified, what leads to the vendor's pinned keys
evidence  Verified -> Evidence, each value with how it is known
rules     Evidence -> verdicts; pure
judge     verdicts -> Judgement, and the statement about it
"""
