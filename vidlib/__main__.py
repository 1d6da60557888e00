"""``python -m vidlib`` is ``vidlib``."""

from vidlib.cli import main

main()
