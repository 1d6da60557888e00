"""What a timeline needs to know of a delivered video, also when the file is somewhere else."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from vidlib.results.exports.edit_timeline import Media


class DeliveredMedia(BaseModel):
    """The properties of a delivered video.

    ``n_bytes`` is the size of the file. ``start`` is the time code of the first frame, in frames after 00:00:00:00.
    ``channels`` has the number of channels of each audio track.
    """

    model_config = ConfigDict(frozen=True)

    n_bytes: int
    frames: int
    start: int
    width: int
    height: int
    channels: tuple[int, ...] = ()
    sample_rate: int = 48_000

    @classmethod
    def probe(cls, video: Path, frames: int) -> Self:
        """The properties of the file ``video``, which has so many ``frames``; raises MediaError if it is no video."""
        from vidlib.media.probe import probe_video

        info = probe_video(video)
        return cls(
            n_bytes=video.stat().st_size,
            frames=frames,
            start=info.start_frame,
            width=info.width,
            height=info.height,
            channels=tuple(track.channels for track in info.audio),
            sample_rate=info.audio[0].sample_rate if info.audio else 48_000,
        )

    def at(self, path: str, name: str) -> Media:
        """The video for a timeline: as the file ``name``, which the editor's machine finds at ``path``."""
        return Media(name, path, self.frames, self.start, self.width, self.height, self.channels, self.sample_rate)
