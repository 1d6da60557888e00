"""The command line: what people type, and what they see while it works."""

from vidlib.cli.app import main

__all__ = ["main"]
