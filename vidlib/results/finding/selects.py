"""Found shots for an editor: a selects reel, which is a timeline of them, a contact sheet, and a table."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidlib.errors import UsageError, VidlibError
from vidlib.files import sha256, write_text
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import cmx_edl, fcp7_xml, fcpxml, otio_json
from vidlib.results.exports.edit_timeline import SPACES, Clip, Media, Timeline, place_under
from vidlib.results.exports.otio_json import Editor
from vidlib.results.finding.search import FoundShot
from vidlib.text import path_text, printable
from vidlib.timeline import Span, smpte_frame

START = "01:00:00:00"
"""The time code at which a reel begins, unless another one is asked for."""


@dataclass(frozen=True)
class Selects:
    """Found ``shots`` under a ``name``, with the choices of a timeline.

    ``delivery`` is the folder with the delivered videos. ``media_root`` is their folder on the editor's machine, by
    default where they are on this one; ``.`` is the folder of the reel. ``handles`` are frames before and after each
    shot. ``editor`` is the program that OTIO is for. Raises UsageError for a ``start_tc`` that is no time code.
    """

    shots: Sequence[FoundShot]
    delivery: Path
    name: str = "selects"
    handles: int = 0
    media_root: str | None = None
    start_tc: str = START
    editor: Editor = "resolve"

    def __post_init__(self) -> None:
        try:
            smpte_frame(self.start_tc)
        except ValueError as error:
            raise UsageError(f"the start of the reel: {error}") from error

    @cached_property
    def files(self) -> dict[str, Path]:
        """The delivered file of each video that is in its place, by the SHA-256 of the video."""
        videos = {shot.video_hash: shot for shot in self.shots}
        places = {key: self._delivered(shot) for key, shot in videos.items()}
        return {key: place for key, place in places.items() if place}

    @property
    def offline(self) -> list[str]:
        """The names of the videos whose delivered file is not in its place."""
        return sorted({f"{shot.stem}.mp4" for shot in self.shots if shot.video_hash not in self.files})

    def _delivered(self, shot: FoundShot) -> Path | None:
        for path in sorted((self.delivery / shot.project).rglob(_literal(f"{shot.stem}.mp4"))):
            if path.is_file() and (
                path.stat().st_size == shot.media.n_bytes if shot.media else sha256(path) == shot.video_hash
            ):
                return path
        return None

    @cached_property
    def timeline(self) -> Timeline:
        """The shots one after the other, each with a marker that says why it was found."""
        media = {shot.video_hash: self._media(shot) for shot in self.shots}
        clips: list[Clip] = []
        for shot in self.shots:
            video = media[shot.video_hash]
            span = Span(max(0, shot.start - self.handles), min(video.frames, shot.stop + self.handles))
            at = clips[-1].stop if clips else 0
            clips.append(Clip(shot.number, video, shot.shot, span, at, note="; ".join(shot.why) or "found"))
        return Timeline(printable(self.name, keep=SPACES), smpte_frame(self.start_tc), tuple(clips))

    def _media(self, shot: FoundShot) -> Media:
        file = self.files.get(shot.video_hash)
        name = printable(file.name if file else f"{shot.stem}.mp4", keep=SPACES)
        path = str(file or self.delivery / shot.project / name)
        known = shot.media or self._unknown_media(shot, file)
        return known.at(path if self.media_root is None else place_under(self.media_root, name), name)

    def _unknown_media(self, shot: FoundShot, file: Path | None) -> DeliveredMedia:
        """The properties of a video whose entry in the archive does not record them, as those of vidlib 0.1."""
        frames = max(other.stop for other in self.shots if other.video_hash == shot.video_hash)
        if file is None:
            raise VidlibError(
                f"the archive does not know the time code of {shot.video}, and {shot.stem}.mp4 is not below "
                f"{self.delivery / shot.project}; put the delivered file there, or leave the video out with "
                f'-name:"{shot.stem}"'
            )
        return DeliveredMedia.probe(file, frames)


def _literal(name: str) -> str:
    """A name for a glob pattern, without magic."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _write_sheet(path: Path, selects: Selects) -> None:
    from vidlib.results.contact_sheet import Still, write

    stills = [
        Still(
            selects.files.get(shot.video_hash),
            shot.span.middle,
            f"{shot.timecode}  {shot.stem} {shot.number:03}",
            "; ".join(shot.why),
        )
        for shot in selects.shots
    ]
    write(path, stills)


def _write_csv(path: Path, selects: Selects) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, list(ROW), lineterminator="\r\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row(shot).items()} for shot in selects.shots)
    write_text(path, text.getvalue())


def _cell(value: Any) -> Any:
    """A value for a spreadsheet, which would take a text that begins with ``=`` for a formula."""
    text = "; ".join(value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text


WRITERS: Mapping[str, Callable[[Path, Selects], object]] = {
    ".otio": lambda path, selects: otio_json.write(path, [selects.timeline], selects.name, selects.editor),
    ".edl": lambda path, selects: cmx_edl.write(path, selects.timeline),
    ".xml": lambda path, selects: fcp7_xml.write(path, [selects.timeline], selects.name),
    ".fcpxml": lambda path, selects: fcpxml.write(path, [selects.timeline], selects.name),
    ".jpg": _write_sheet,
    ".png": _write_sheet,
    ".csv": _write_csv,
}
"""How found shots are written, by the suffix of the file."""


def check_suffix(path: Path) -> None:
    """Raise UsageError for a file whose suffix names none of `WRITERS`."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{str(path)!r} has the suffix {path.suffix!r}; expected one of {', '.join(WRITERS)}")


def write(path: Path, selects: Selects) -> Path:
    """Write the shots to ``path`` in the form that its suffix names.

    Raises UsageError for another suffix, and where there are no shots.
    """
    check_suffix(path)
    if not selects.shots:
        raise UsageError(f"no shot was found, so {path} was not written")
    WRITERS[path.suffix.lower()](path, selects)
    return path


ROW: Mapping[str, Callable[[FoundShot], Any]] = {
    "video": lambda shot: shot.video,
    "sha256": lambda shot: shot.sha256,
    "project": lambda shot: shot.project,
    "shot": lambda shot: shot.number,
    "start": lambda shot: shot.start,
    "stop": lambda shot: shot.stop,
    "start_s": lambda shot: shot.span.segment.start_s,
    "stop_s": lambda shot: shot.span.segment.stop_s,
    "duration_s": lambda shot: shot.span.duration_s,
    "timecode": lambda shot: shot.timecode,
    "people": lambda shot: list(shot.people),
    "speakers": lambda shot: list(shot.speakers),
    "faces": lambda shot: shot.faces,
    "framing": lambda shot: shot.framing,
    "smile": lambda shot: None if shot.smile is None else shot.smile / 1000,
    "speech_s": lambda shot: None if shot.speech is None else Span(0, shot.speech).duration_s if shot.speech else 0.0,
    "why": lambda shot: list(shot.why),
    "archive_folder": lambda shot: path_text(shot.folder),
}
"""The columns of a table of found shots."""


def row(shot: FoundShot) -> dict[str, Any]:
    """A shot as a row with the columns of `ROW`."""
    return {name: value(shot) for name, value in ROW.items()}
