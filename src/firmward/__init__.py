"""Firmware for medical devices, from a vendor's commit to the bedside, and back if it fails."""

__version__ = "0.1.0"
