"""Every frame of a video as a thumbnail, so that shot detection need not decode the video again.

The thumbnails stand one after the other in one file, without a header: RGB, uint8, 350 MB for an hour.
"""

from collections.abc import Iterator
from pathlib import Path

from vidlib.media import ffmpeg
from vidlib.media.frames import Frame, next_frame

SIZE = (48, 27)
"""Width and height in pixels, as TransNetV2 was trained with (Souček and Lokoč, 2020)."""

FRAME_BYTES = 3 * SIZE[0] * SIZE[1]


def output_args(stream: int, target: Path) -> list[str]:
    """Arguments that let ffmpeg write the thumbnails to ``target`` while it decodes its input for another output.

    ``stream`` is the index of the video stream.
    """
    return [
        "-map",
        f"0:{stream}",
        *ffmpeg.scale_options(*SIZE),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        f"file:{target}",
    ]


def read(path: Path) -> Iterator[Frame]:
    """Read the thumbnails in order: (27, 48, 3) uint8 RGB each, the same as `frames.read_frames` gives at `SIZE`."""
    with path.open("rb") as file:
        while (frame := next_frame(file, *SIZE)) is not None:
            yield frame
