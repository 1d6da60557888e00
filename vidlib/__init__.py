"""A notebook workstation for video analysis: shots, voices, faces and who is speaking, from archive to report."""

import os

from vidlib.errors import VidlibError
from vidlib.timeline import FPS, Shot, Span, Turn

__all__ = ["FPS", "Shot", "Span", "Turn", "VidlibError"]

# OpenMP, in torch, reads this once, when it is loaded. Its threads otherwise wait busily for one another, and where
# several steps share the cores they wait for those that they keep from running: measured two to ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
