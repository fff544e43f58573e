"""The software bill of materials: what is in the image, from whom, and for how long supported."""
