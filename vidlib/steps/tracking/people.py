"""The assignments of all faces in the forms that the result needs: by person, by track, and for ``people.json``."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackSpeech
from vidlib.timeline import Turn
from vidlib.tracking.diarization_correction import SpeakingFace, SpeakingPerson, split_shared_labels
from vidlib.tracking.speaker_assignment import SpeakerAssignment


def speaking_people(turns: Sequence[Turn], assignments: Iterable[SpeakerAssignment]) -> dict[int, SpeakingPerson]:
    """The people who have a speaker label, by number; no two of them share a label if the faces tell them apart."""
    faces: dict[int, list[SpeakingFace]] = defaultdict(list)
    labels: dict[int, str] = {}
    for assignment in assignments:
        if assignment.speaker is not None:
            face = SpeakingFace(assignment.face.track_id, assignment.face.start, assignment.confidence)
            faces[assignment.person].append(face)
            labels[assignment.person] = assignment.speaker.label
    people = [SpeakingPerson(labels[number], own_faces) for number, own_faces in faces.items()]
    return dict(zip(faces, split_shared_labels(turns, people), strict=True))


def speech_by_track(
    assignments: Iterable[SpeakerAssignment], speaking: Mapping[int, SpeakingPerson]
) -> dict[int, TrackSpeech]:
    """When each face speaks, by track id."""
    return {
        assignment.face.track_id: TrackSpeech(
            assignment.is_speaking, assignment.confidence, _label(assignment.person, speaking)
        )
        for assignment in assignments
    }


def list_people(assignments: Iterable[SpeakerAssignment], speaking: Mapping[int, SpeakingPerson]) -> list[Person]:
    """Everybody who is visible, in order of first appearance."""
    by_person: dict[int, list[SpeakerAssignment]] = defaultdict(list)
    for assignment in assignments:
        by_person[assignment.person].append(assignment)
    return [_person(number, own, _label(number, speaking)) for number, own in sorted(by_person.items())]


def _person(number: int, assignments: Sequence[SpeakerAssignment], label: str | None) -> Person:
    speaker = assignments[0].speaker  # all assignments of a person have the same one
    return Person(
        person=number + 1,
        tracks={one.face.track_id: round(one.person_confidence, 4) for one in assignments},
        frames=sum(len(one.confidence) for one in assignments),
        speaking_frames=sum(int(one.is_speaking.sum()) for one in assignments),
        voice=label,
        voice_confidence=round(speaker.confidence, 4) if speaker else None,
    )


def _label(number: int, speaking: Mapping[int, SpeakingPerson]) -> str | None:
    return speaking[number].label if number in speaking else None
