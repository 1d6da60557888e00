"""The scan that a user would write: pandas over the results of each video, for conditions on shots."""

import json
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vidlib.results import archive_entry
from vidlib.results.archive_entry import Entry
from vidlib.results.archive_index import project_of
from vidlib.results.exports import audio_json, people_json, rttm, webvtt
from vidlib.timeline import Turns, nearest_frame

Question = Sequence[tuple[str, str, str]]
"""Conditions: key, comparison, value. A key that begins with ``-`` excludes."""

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def scan(videos: "Iterable[Results]", question: Question) -> set[tuple[str, int]]:
    """The stem of the video and the number of each shot that fulfils all conditions."""
    return {
        (video.entry.metadata.video_stem, number)
        for video in videos
        for number in range(1, len(video.shots) + 1)
        if all(video.fulfils(number, key.lstrip("-"), *how) != key.startswith("-") for key, *how in question)
    }


def results(root: Path) -> "list[Results]":
    """The videos of an archive; nothing is read yet."""
    return [Results(archive_entry.read(metadata.parent)) for metadata in root.glob("*/*/metadata.json")]


def folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if unicodedata.category(c) != "Mn")


def tokens(text: str) -> list[str]:
    return re.findall(
        r"\w+", "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    )


@dataclass
class Results:
    """The results of one video, read when they are needed."""

    entry: Entry

    @cached_property
    def shots(self) -> pd.DataFrame:
        return pd.read_csv(self.entry.results["shots_csv"])

    @cached_property
    def tracks(self) -> pd.DataFrame:
        return pd.read_parquet(self.entry.results["tracking_parquet"])

    @cached_property
    def audio(self) -> Sequence[audio_json.AudioFrame]:
        return audio_json.read(self.entry.results["audio_json"]).frames_analysis

    @cached_property
    def cues(self) -> list[tuple[int, int, str, str | None]]:
        captions = webvtt.with_speakers(
            webvtt.read(self.entry.results["captions"]), Turns(rttm.read(self.entry.results["rttm"]))
        )
        return [(nearest_frame(c.start_s), nearest_frame(c.stop_s), c.text, c.speaker) for c in captions]

    def span(self, number: int) -> tuple[int, int]:
        """First frame (from 0) of a shot, and the frame after its last one."""
        row = self.shots.iloc[number - 1]
        return int(row["Frame In"]) - 1, int(row["Frame Out"])

    def clear_span(self, number: int) -> tuple[int, int]:
        """As `span`, without the frames of dissolves and fades; the whole shot if no other frame is left."""
        start, stop = self.span(number)
        transitions = [shot["transition"] for shot in json.loads(self.entry.results["shots_json"].read_text())["shots"]]
        own, following = transitions[number - 1], transitions[number] if number < len(transitions) else None
        clear = max(start, own[1] if own else 0), min(stop, following[0] if following else stop)
        return clear if clear[0] < clear[1] else (start, stop)

    @cached_property
    def parts(self) -> list[pd.DataFrame]:
        """The rows of each shot, without those of dissolves and fades."""
        spans = map(self.clear_span, range(1, len(self.shots) + 1))
        return [self.tracks[(self.tracks.frame > start) & (self.tracks.frame <= stop)] for start, stop in spans]

    def rows(self, number: int) -> pd.DataFrame:
        return self.parts[number - 1]

    def faces(self, number: int) -> pd.DataFrame:
        rows = self.rows(number)
        return rows[rows.source == "face_landmarker"]

    def fulfils(self, number: int, key: str, comparison: str, value: str) -> bool:
        """Whether a shot fulfils one condition."""
        test = getattr(self, f"_{key}", None)
        return bool(test(number, comparison, value) if test else self._shape(number, key, comparison, value))

    def _person(self, number: int, _: str, value: str) -> bool:
        seen = set(self.faces(number).track_id)
        people = people_json.read(self.entry.results["people"])
        names = [(str(person.person), (person.voice or "").lower()) for person in people if seen & set(person.tracks)]
        return any(value.lower() in pair for pair in names)

    def _speaker(self, number: int, _: str, value: str) -> bool:
        start, stop = self.span(number)
        return any(value in frame.audio_info.active_speaker_labels for frame in self.audio[start:stop])

    def _silent(self, number: int, *_: str) -> bool:
        start, stop = self.span(number)
        return not any(frame.audio_info.is_speech_present for frame in self.audio[start:stop])

    def _says(self, number: int, _: str, value: str) -> bool:
        start, stop = self.span(number)
        return any(first < stop and last > start for first, last in self._heard(value))

    def _heard(self, value: str) -> Iterable[tuple[int, int]]:
        """Where a phrase is heard: in cues of one speaker with pauses of less than two seconds."""
        wanted = tokens(value.rstrip("*"))
        words: list[tuple[str, int, int]] = []
        previous: tuple[int, int, str, str | None] | None = None
        for cue in self.cues:
            if previous is None or previous[3] != cue[3] or not 0 <= cue[0] - previous[1] < 50:
                words.append(("", 0, 0))  # nothing runs across it
            words += [(token, cue[0], cue[1]) for token in tokens(cue[2])]
            previous = cue
        for first in range(len(words) - len(wanted) + 1):
            *whole, last = words[first : first + len(wanted)]
            ends = last[0].startswith(wanted[-1]) if value.endswith("*") else last[0] == wanted[-1]
            if ends and [word[0] for word in whole] == wanted[:-1]:
                yield words[first][1], last[2]

    def _len(self, number: int, comparison: str, value: str) -> bool:
        start, stop = self.span(number)
        frames = Decimal(value[:-1]) * (1 if value.endswith("f") else 25)
        return COMPARE[comparison](stop - start, frames)

    def _faces(self, number: int, comparison: str, value: str) -> bool:
        most = self.faces(number).groupby("frame").size().max()
        return COMPARE[comparison](0 if np.isnan(most) else most, int(value))

    def _framing(self, number: int, _: str, value: str) -> bool:
        heights = self.faces(number).bbox_height.astype(float)
        if heights.empty:
            return False
        share = round(heights.max() / 720, 3)
        return value == ("close" if share >= 0.4 else "medium" if share >= 0.125 else "wide")

    def _object(self, number: int, _: str, value: str) -> bool:
        rows = self.rows(number)
        return value in set(rows[rows.source == "object_detector"].label)

    def _smile(self, number: int, comparison: str, value: str) -> bool:
        faces = self.faces(number)
        return self._reaches((faces.mouthSmileLeft.astype(float) + faces.mouthSmileRight) / 2, comparison, value)

    def _shape(self, number: int, key: str, comparison: str, value: str) -> bool:
        return self._reaches(self.faces(number)[key].astype(float), comparison, value)

    def _reaches(self, values: pd.Series, comparison: str, value: str) -> bool:
        highest = values.max()
        return not np.isnan(highest) and COMPARE[comparison](int(np.floor(highest * 1000 + 0.5)), Decimal(value) * 1000)

    def _name(self, _: int, __: str, value: str) -> bool:
        names = (self.entry.metadata.video_stem, Path(self.entry.metadata.video_path).name)
        return any(folded(value) in folded(name) for name in names)

    def _project(self, _: int, __: str, value: str) -> bool:
        return folded(value) in folded(project_of(self.entry.folder))

    def _date(self, _: int, comparison: str, value: str) -> bool:
        return COMPARE[comparison](self.entry.metadata.created_at.isoformat()[: len(value)], value)
