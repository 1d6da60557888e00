"""Decides which tasks may begin, with how many cores, and which are tried again."""
