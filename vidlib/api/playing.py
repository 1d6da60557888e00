"""The player of a video: its results, with the corrections of people, as the material that `vidlib.player` shows."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.api.results import table
from vidlib.results import faces, frames
from vidlib.results.exports import people_json
from vidlib.results.exports.people_json import Person
from vidlib.setting_types import Language

if TYPE_CHECKING:
    import pyarrow as pa

    from vidlib.api.correcting import Preview
    from vidlib.api.video import Video
    from vidlib.player.encoding import Columns
    from vidlib.player.material import Material
    from vidlib.player.widget import Player

STEPS = ("convert", "scenes", "audio", "tracking")
"""The steps whose results the player shows."""

VERTICAL = (9, 16)
"""The shape of the window that the player shows."""


@dataclass(frozen=True)
class VideoCorrector:
    """Saves corrections of a video for its player, and shows their effect at once; see `vidlib.player.widget`."""

    video: "Video"
    language: Language

    def correct(self, action: str, fields: Mapping[str, Any]) -> "Material":
        """Save a correction; raises UsageError where it does not fit."""
        self.video.correct(action, **fields)
        return material(self.video.preview(), self.language)

    def undo(self) -> "Material":
        """Take back the last correction; raises UsageError where there is none."""
        self.video.undo()
        return material(self.video.preview(), self.language)


def player(video: "Video", may_correct: bool = True, language: Language | None = None) -> "Player":
    """The player of a video, which shows and takes corrections. Where no widgets run, its card stands in its place.

    It speaks ``language``, or that of the settings.
    """
    from vidlib.api import pictures
    from vidlib.player.widget import Player

    results = video.results(*STEPS)
    file = results.needed_file("convert", "video")
    card = partial(pictures.describe, results.name, results.sha256, results)
    language = language or video.settings.language
    corrector = VideoCorrector(video, language) if may_correct else None
    shown, path = material(video.preview(), language), media_path(file, video.settings.work)
    return Player(shown, file, path, corrector, card, partial(framing, video))


def framing(video: "Video") -> "Columns":
    """The vertical window of a video for its player, with what people decided."""
    from vidlib.api.reframing import reframe
    from vidlib.player.material import framing_columns

    return framing_columns(reframe(video.results(*STEPS), VERTICAL, video.preview().corrections).framings)


def media_path(video: Path, work: Path) -> str:
    """The path of ``video`` below ``work``, the folder that a server may serve; empty for a video outside."""
    return video.relative_to(work).as_posix() if video.is_relative_to(work) else ""


def material(preview: "Preview", language: Language = "en") -> "Material":
    """What the player shows of results and corrections, in ``language``.

    It raises BrokenOutput where a file is missing or damaged.
    """
    from vidlib.player.material import Material

    results = preview.results
    convert = results.outputs("convert")
    tracks, people = _faces(preview)
    return Material(
        name=results.name,
        frames=convert["frames"],
        width=convert["width"],
        height=convert["height"],
        shots=preview.shots,
        turns=preview.labelled_turns,
        tracks=tracks,
        people=people,
        words=table(results, "words"),
        review=_unchecked(preview),
        names=preview.names,
        decisions=len(preview.corrections),
        language=language,
    )


def _unchecked(preview: "Preview") -> "pa.Table":
    """What there is to check and was not checked, what matters most first."""
    import numpy as np

    from vidlib.corrections.review import checked_items, is_checked

    rows = table(preview.results, "review")
    checked = checked_items(preview.corrections)
    places = zip(rows["kind"].to_pylist(), rows["frame"].to_pylist(), strict=True)
    return rows.filter(np.array([not is_checked(checked, *place) for place in places], bool))


def _faces(preview: "Preview") -> "tuple[pa.Table, list[Person]]":
    """The rows of all tracks and the people, as corrected."""
    from vidlib.corrections.tracks import CHANGES
    from vidlib.player.material import TRACK_COLUMNS

    rows = frames.tracks(preview.results.needed_file("tracking", "tracks"))
    people = people_json.read(preview.results.needed_file("tracking", "people"))
    if any(type(one.decision) in CHANGES for one in preview.pending("tracking")):
        rows = _shifted(faces.change_rows(_shifted(rows, 1), preview.faces), -1)
        people = _regrouped(people, preview.faces.people())
    return rows.select(TRACK_COLUMNS), people


def _shifted(rows: "pa.Table", shift: int) -> "pa.Table":
    """The rows with ``shift`` added to their frames: corrections read rows of the file, which count from 1."""
    return faces.replace_columns(rows, {"frame": rows["frame"].to_numpy() + shift})


def _regrouped(before: list[Person], person_of: Mapping[int, int]) -> list[Person]:
    """The people of ``person_of``, ``{track: person}``, each with the voice of the first track that had one."""
    known = {track: person for person in before for track in person.tracks}
    groups: dict[int, list[int]] = defaultdict(list)
    for track, person in person_of.items():
        groups[person].append(track)
    return [
        Person(person, dict.fromkeys(tracks, 1.0), 0, 0, *_voice(tracks, known))
        for person, tracks in sorted(groups.items())
    ]


def _voice(tracks: list[int], known: Mapping[int, Person]) -> tuple[str | None, float | None]:
    voices = [(known[track].voice, known[track].voice_confidence) for track in tracks if track in known]
    return next((voice for voice in voices if voice[0]), (None, None))
