"""Reads and writes video and sound with FFmpeg.

``media.open(path)`` gives a video as an object: its properties, frames and sound. The modules `probe`, `frames` and
`audio` hold the functions behind it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidlib.media.video import VideoFile


def open(path: Path | str) -> "VideoFile":
    """Open a video file; see `vidlib.media.video.VideoFile`. Raises MediaError if it is no readable video."""
    from vidlib.media.video import VideoFile  # loads NumPy, which ffmpeg.py alone does not need

    return VideoFile(Path(path))
