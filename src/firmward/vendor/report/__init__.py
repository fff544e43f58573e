"""How a release ended and why: an HTML file, a JSON summary, and words for a terminal."""
