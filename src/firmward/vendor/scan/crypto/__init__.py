"""Which cryptography a product has, how sure that is, and what of it is outdated.

No single sign is enough: tables may be made at start-up, symbols may be stripped, a header may be
included for nothing.  Each sign has a weight, and an algorithm's confidence is the chance that not
all of its signs are wrong.
"""
