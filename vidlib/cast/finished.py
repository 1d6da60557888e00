"""The results of one video that the cast reads, and the people in them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vidlib.cast.records import MAX_TRACKS
from vidlib.corrections.anchors import SpeakerAnchor, TrackAnchor, TrackBoxes, anchor_speaker, anchor_track
from vidlib.corrections.tracks import FaceTracks
from vidlib.results import faces
from vidlib.results.exports import people_json, rttm
from vidlib.results.exports.people_json import Person
from vidlib.timeline import Turns


@dataclass(frozen=True)
class FinishedVideo:
    """One analysed video: its content, its name and project, the delivered file, and the files of *tracking*.

    ``analysis`` is the name of the folder with the result of *tracking*, which is another one for another analysis.
    """

    sha256: str
    name: str
    project: str
    analysis: str
    video: Path
    tracks: Path
    people_file: Path
    turns_file: Path
    speech: Path

    @cached_property
    def faces(self) -> FaceTracks:
        """The boxes and the person of each face; raises BrokenOutput where a file is damaged."""
        return faces.read(self.tracks, self.people_file)

    @cached_property
    def people(self) -> list[Person]:
        """The people, by first appearance."""
        return people_json.read(self.people_file)

    @cached_property
    def turns(self) -> Turns:
        """Who speaks when."""
        return rttm.read(self.turns_file)

    def tracks_of(self, person: Person) -> list[TrackBoxes]:
        """The tracks of a person, the longest first."""
        tracks = [self.faces.boxes[track] for track in person.tracks if track in self.faces.boxes]
        return sorted(tracks, key=len, reverse=True)

    def anchors(self, person: Person) -> tuple[tuple[TrackAnchor, ...], SpeakerAnchor]:
        """Where a person is seen, and when he or she is heard."""
        tracks = tuple(anchor_track(track) for track in self.tracks_of(person)[:MAX_TRACKS])
        return tracks, anchor_speaker(self.turns, person.voice) if person.voice else SpeakerAnchor()


def heights(track: TrackBoxes) -> np.ndarray:
    """The height of a face in each frame of its track, (n,) in pixels."""
    heights: np.ndarray = track.boxes[:, 3] - track.boxes[:, 1]
    return heights
