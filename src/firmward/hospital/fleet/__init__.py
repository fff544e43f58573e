"""Who gets it, and when?  Waves, per-device orders."""
