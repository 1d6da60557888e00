"""Questions to the results archive: an index of all shots, and the small language that asks it."""
