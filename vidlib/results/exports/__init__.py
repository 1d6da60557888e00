"""One module for each file format that other programs read."""
