"""Shots of people who look like an example: the condition ``--like`` of `vidlib find`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.cast import likeness
from vidlib.cast.attaching import find_person
from vidlib.cast.finished import FinishedVideo
from vidlib.cast.records import Appearance
from vidlib.errors import BrokenOutput, UsageError
from vidlib.results import archive_index
from vidlib.results.archive_entry import Entry
from vidlib.results.finding.query import Condition, seen_in
from vidlib.timeline import smpte_frame

if TYPE_CHECKING:
    from vidlib.api.workspace import Workspace
    from vidlib.settings import Settings

MAX_PX = 1920
"""Longer side of an example, in pixels, in which faces are looked for; a larger picture is made smaller."""

Near = tuple[int, Appearance, float]
"""An appearance by number, and its distance from the example."""


def face_of(workspace: "Workspace", example: str) -> np.ndarray:
    """The largest face of an example, (128,): a picture, or a moment as VIDEO@TIMECODE.

    Raises UsageError for another text, for a file that is no picture, and for a picture without a large enough face.
    """
    path = Path(example).expanduser()
    if path.is_file():
        return likeness.embed_largest(_read_picture(path), str(path))
    if "@" not in example:
        raise UsageError(f"there is no picture {example!r}; expected a picture, or a moment as film.mp4@00:00:12:00")
    return likeness.embed_largest(_read_frame(workspace, example), example)


def condition(settings: "Settings", example: str, near: Sequence[Near]) -> Condition:
    """The condition that one of ``near`` is seen."""
    return seen_in(f"like:{example}", [row for one in near for row in _places(settings, one)])


def _places(settings: "Settings", near: Near) -> Iterator[tuple[bytes, int, str]]:
    """Where an appearance is in the archived results of its video: found by time and place, as they may be others."""
    _, one, distance = near
    for entry in archive_index.entries_of(settings.archive, one.video):
        try:
            person = find_person(one.tracks, source) if (source := _archived(entry, one)) else None
        except BrokenOutput:  # the search names damaged entries
            continue
        if person is not None:
            yield os.fsencode(entry.folder.relative_to(settings.archive)), person, f"face at {distance:.2f}"


def _archived(entry: Entry, one: Appearance) -> FinishedVideo | None:
    files = entry.results
    if not files.keys() >= {"tracking_parquet", "people"}:
        return None
    tracks, people = files["tracking_parquet"], files["people"]
    return FinishedVideo(one.video, one.name, one.project, "", tracks, tracks, people, people, tracks)


def _read_picture(path: Path) -> np.ndarray:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise UsageError(f"{path} is no picture that can be read: {error}") from error
    upright.thumbnail((MAX_PX, MAX_PX))
    return np.asarray(upright)


def _read_frame(workspace: "Workspace", example: str) -> np.ndarray:
    from vidlib.media.frames import read_stills
    from vidlib.media.probe import probe_video

    name, _, timecode = example.rpartition("@")
    results = workspace.open(name).results_at_hand()
    file = results.file("convert", "video") if results else None
    if results is None or file is None:
        raise UsageError(f"{name} has no results; run: vidlib run {name}")
    info, n_frames = probe_video(file), results.outputs("convert")["frames"]
    try:
        frame = smpte_frame(timecode) - info.start_frame
    except ValueError as error:
        raise UsageError(f"{example!r}: {error}") from error
    if not 0 <= frame < n_frames:
        raise UsageError(f"{timecode} is not in {name}, which has {n_frames} frames from {info.start_frame} on")
    return read_stills(file, [frame], *info.display_size)[0]
