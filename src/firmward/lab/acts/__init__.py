"""The acts of the demo, in the order they are played."""
