"""A video file as an object."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from vidlib.media.audio import FIRST_TRACK, SAMPLE_RATE, Waveform, read_waveform
from vidlib.media.frames import Frame, read_frames, read_stills
from vidlib.media.probe import VideoInfo, frame_times, probe_video

Item = TypeVar("Item")


class VideoFile:
    """One video file: ``info`` (`VideoInfo`), frames and sound, decoded on demand.

    As a context manager it ends every decoder that is still running when the block ends:

        with media.open(path) as video:
            for frame in video.frames():
                ...

    Raises MediaError if the file is no readable video; each method does if the part that it reads cannot be decoded.
    """

    def __init__(self, path: Path):
        self.path = path
        self.info: VideoInfo = probe_video(path)
        self._decoders = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoders.close()

    def frames(self, size: tuple[int, int] | None = None, *, only: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode all frames in order, or ``only`` those with these numbers (from 0, rising): see `read_frames`.

        ``size`` is (width, height) in pixels, by default the size that a viewer sees.
        """
        return self._ending(read_frames(self.path, *(size or self.info.display_size), only=only))

    def stills(self, numbers: Sequence[int], size: tuple[int, int] | None = None) -> list[Frame]:
        """Seek a few frames (numbers from 0) of a video at 25 fps: see `read_stills`."""
        return read_stills(self.path, numbers, *(size or self.info.display_size))

    def frame_times(self) -> list[Fraction]:
        """Presentation times of all stored frames in seconds, sorted: see `probe.frame_times`."""
        return frame_times(self.info)

    def audio(self, sample_rate: int = SAMPLE_RATE, tracks: Sequence[int] = FIRST_TRACK) -> Waveform:
        """Decode audio ``tracks`` (from 1), mixed to mono: (n,) float32 in [-1, 1]; see `read_waveform`."""
        return read_waveform(self.path, sample_rate, tracks)

    def _ending(self, items: Generator[Item, None, None]) -> Iterator[Item]:
        """The same items; leaving the block ends their decoder."""
        return self._decoders.enter_context(closing(items))
