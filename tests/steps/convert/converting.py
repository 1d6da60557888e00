"""Conversion in tests, and what its result shows."""

import subprocess
from pathlib import Path

from tests import sample_media as made
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.steps import convert


def converted(source: Path, out_dir: Path, **params) -> convert.Outputs:
    return convert.run(convert.Inputs(source=source, out_dir=out_dir), convert.Params(**params))


def numbers(video: Path) -> list[int]:
    """The numbers of the pictures in a converted clip, frame by frame."""
    return [made.frame_number(frame) for frame in read_frames(video, *probe_video(video).display_size)]


def tags(video: Path, of: str) -> list[str]:
    command = ["ffprobe", "-v", "error", "-show_entries", f"stream={of}:stream_tags={of}", "-of", "csv=p=0:nk=1"]
    return subprocess.run([*command, f"file:{video}"], capture_output=True, text=True, check=True).stdout.split()
