"""What the world does to devices at the worst moment."""


class PowerCut(Exception):
    """The power of a board went away; raised by a test or scenario from a board's `cut` hook."""
