"""A verdict as one HTML file, for people who never saw a terminal."""
