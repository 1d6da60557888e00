"""``python -m vidlib`` is ``vidlib``."""

from vidlib.cli.app import main

main()
