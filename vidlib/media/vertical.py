"""A vertical copy of a video, for people to look at: a window of the picture that jumps from place to place."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.timeline import FPS

HEIGHT = 640
"""Height of the copy in pixels."""

TIMEOUT_S = 7200


def render(video: Path, target: Path, keys: Sequence[tuple[int, int]], window: int) -> Path:
    """Write the MP4 ``target``: ``window`` pixels of the width of ``video``, 640 pixels high, with its sound.

    ``keys`` are (frame, centre of the window in pixels), in order; each holds until the next one, the first from the
    beginning on. Raises CommandFailed where FFmpeg fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        lines = Path(folder) / "keys"
        lines.write_text("".join(f"{_before(frame):.3f} crop x {centre - window // 2};\n" for frame, centre in keys))
        width = 2 * round(HEIGHT * window / _height(video) / 2)
        first = max(0, keys[0][1] - window // 2)
        crop = f"sendcmd=f={lines},crop={window}:ih:{first}:0:exact=1"
        picture = ["-vf", f"{crop},scale={width}:{HEIGHT}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]
        output = [*picture, "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", f"file:{target}"]
        commands.run(ffmpeg.command(*ffmpeg.input_args(video), *output), timeout_s=TIMEOUT_S)
    return target


def _before(frame: int) -> float:
    """A time between the frame before and ``frame``, in seconds: a command takes effect with the next frame."""
    return max(0.0, (frame - 0.5) / float(FPS))


def _height(video: Path) -> int:
    from vidlib.media.probe import probe_video

    return probe_video(video).display_size[1]
