"""Runs steps on videos: plans them, executes their notebooks, and records all of it in the history."""
