"""What can be asked about each shot of a video, read from one entry of the archive.

Everything is a whole number, so that a question has one answer in every program: shares are per mille, times are frames
from 0, and ``stop`` is not included. None means that the entry cannot tell.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vidlib import timeline
from vidlib.errors import BrokenOutput
from vidlib.results.archive_entry import Entry
from vidlib.results.exports import audio_json, people_json, rttm, shots_csv, shots_json, webvtt, words_table
from vidlib.results.finding import tracks
from vidlib.text import printable
from vidlib.timeline import FPS, Turns, Word, nearest_frame

PAUSE_FRAMES = 2 * int(FPS)
"""Words of one speaker with shorter pauses between them are one utterance: a phrase may run across them."""


class Person(NamedTuple):
    """Somebody who is seen: the ``number`` in people.json, and the ``label`` of the voice, which may be a name."""

    number: int | None
    label: str | None


@dataclass
class Shot:
    """One shot. ``people`` are indices in `Facts.people`.

    What is seen comes from the frames from ``clear_start`` to ``clear_stop``, which are not part of a dissolve or fade:
    there, faces of the other shot are seen as well.
    ``faces`` is the largest number of faces in one frame. ``face_height`` is that of the largest face, per mille of the
    height of the picture. ``speech`` counts the frames with speech. ``smile`` and ``blendshapes`` are the highest
    values of any face in any frame, per mille.
    """

    start: int
    stop: int
    clear_start: int
    clear_stop: int
    boundary: str | None = None
    faces: int | None = None
    face_height: int | None = None
    speech: int | None = None
    smile: int | None = None
    blendshapes: tuple[int, ...] | None = None
    people: set[int] = field(default_factory=set)
    speakers: set[str] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Utterance:
    """What one speaker says without a longer pause.

    ``cues`` are words, or captions where words have no times: first frame, frame after the last one, and text.
    """

    speaker: str | None
    cues: list[tuple[int, int, str]]


@dataclass(frozen=True)
class Facts:
    """All that is known of the shots of one video."""

    shots: list[Shot]
    people: list[Person]
    utterances: list[Utterance]


def read(entry: Entry) -> Facts:
    """The facts in an entry, also of earlier versions and other tools.

    Raises BrokenOutput if the entry has no shots, or if a file is damaged.
    """
    files = entry.results
    try:
        shots = _shots(files)
        if "audio_json" in files:
            _add_speech(shots, files["audio_json"])
        people = _add_tracks(shots, files)
        return Facts(shots, people, _utterances(files))
    except OSError as error:
        raise BrokenOutput(f"{error.filename or entry.folder} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BrokenOutput(f"its speakers or captions are not in UTF-8: {error}") from error


def _shots(files: Mapping[str, Path]) -> list[Shot]:
    if "shots_json" in files:
        shots = shots_json.read(files["shots_json"])
        following = [shot.transition for shot in shots[1:]]
        return [_shot(shot, after) for shot, after in zip(shots, [*following, None], strict=True)]
    if "shots_csv" in files:
        return [Shot(span.start, span.stop, span.start, span.stop) for span in shots_csv.read(files["shots_csv"])]
    raise BrokenOutput("the entry has no list of shots")


def _shot(shot: timeline.Shot, after: timeline.Span | None) -> Shot:
    """A shot before the transition ``after`` it; one that is all transition is taken as a whole."""
    start, stop = shot.span.start, shot.span.stop
    clear_start = max(start, shot.transition.stop if shot.transition else start)
    clear_stop = min(stop, after.start if after else stop)
    if clear_start >= clear_stop:
        clear_start, clear_stop = start, stop
    return Shot(start, stop, clear_start, clear_stop, shot.boundary)


def _add_speech(shots: list[Shot], path: Path) -> None:
    """Count the frames with speech of each shot, and add who speaks."""
    for shot in shots:
        shot.speech = 0
    starts = [shot.start + 1 for shot in shots]
    for speakers, frames in audio_json.spoken_frames(path).items():
        for number, n_frames in Counter(np.searchsorted(starts, frames, side="right").tolist()).items():
            shot = shots[number - 1]
            shot.speech = (shot.speech or 0) + n_frames
            shot.speakers.update(speakers)


def _utterances(files: Mapping[str, Path]) -> list[Utterance]:
    """The transcript, by words where their times are known, else by captions."""
    utterances: list[Utterance] = []
    for word in _words(files):
        start = nearest_frame(word.start_s)
        cue = start, max(start + 1, nearest_frame(word.stop_s)), printable(word.text, " ")
        last = utterances[-1] if utterances else None
        if last and last.speaker == word.speaker and 0 <= start - last.cues[-1][1] < PAUSE_FRAMES:
            last.cues.append(cue)
        else:
            utterances.append(Utterance(word.speaker, [cue]))
    return utterances


def _words(files: Mapping[str, Path]) -> Sequence[Word | webvtt.Caption]:
    turns = rttm.read(files["rttm"]) if "rttm" in files else Turns()
    if "words" in files:
        return words_table.with_speakers(words_table.read(files["words"]), turns)
    return webvtt.with_speakers(webvtt.read(files["captions"]), turns) if "captions" in files else []


def _add_tracks(shots: list[Shot], files: Mapping[str, Path]) -> list[Person]:
    """Add what is seen in each shot, and return the people."""
    rows = tracks.read(files)
    if rows is None:
        return []
    people, person_of = _people(files, rows)
    spans = [(shot.clear_start, shot.clear_stop) for shot in shots]
    for shot, seen in zip(shots, tracks.by_shot(rows, spans), strict=True):
        shot.faces, shot.face_height, shot.smile = seen.faces, seen.face_height, seen.smile
        shot.blendshapes, shot.objects = seen.blendshapes, seen.objects
        shot.people = {person_of[track] for track in seen.face_tracks if track in person_of}
    return people


def _people(files: Mapping[str, Path], rows: tracks.Rows) -> tuple[list[Person], dict[int, int]]:
    """The people, and the index of the person whom a track shows; without a list of people, those who speak."""
    if "people" in files:
        known = people_json.read(files["people"])
        people = [Person(person.person, person.voice) for person in known]
        return people, {track: index for index, person in enumerate(known) for track in person.tracks}
    speaker_of_face = rows.speaker_of_face()
    labels = sorted(set(speaker_of_face.values()))
    return [Person(None, label) for label in labels], {
        track: labels.index(label) for track, label in speaker_of_face.items()
    }
