"""The properties of a delivered video, kept for the time when its file is somewhere else."""

from pathlib import Path
from typing import Self

from vidlib.results.exports.edit_timeline import Media, MediaProperties


class DeliveredMedia(MediaProperties):
    """The properties of a delivered video, of a file of ``n_bytes``."""

    n_bytes: int

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
        return Media(name=name, path=path, **self.model_dump(exclude={"n_bytes"}))
