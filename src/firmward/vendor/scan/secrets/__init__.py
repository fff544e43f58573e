"""Secrets that a source tree or a binary would carry to everybody who gets the firmware.

A find names its place, its kind and its size, never the secret: evidence is handed to others.
"""
