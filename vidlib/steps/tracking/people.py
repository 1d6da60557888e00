"""Who is seen and heard in a video, as it is found face by face: the same by person, by track, and for the files."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import Speech
from vidlib.timeline import Turn
from vidlib.tracking.diarization_correction import Talker, TalkingFace, told_apart
from vidlib.tracking.speaker_assignment import Spoken


def talkers_of(turns: Sequence[Turn], spoken: Iterable[Iterable[Spoken]]) -> dict[int, Talker]:
    """Each person who has a voice, by number."""
    faces: dict[int, list[TalkingFace]] = defaultdict(list)
    voices: dict[int, str] = {}
    for one in chain.from_iterable(spoken):
        if one.voice is not None:
            faces[one.person].append(TalkingFace(one.face.track_id, one.face.start, one.sure))
            voices[one.person] = one.voice.label
    talkers = [Talker(voices[person], own) for person, own in faces.items()]
    return dict(zip(faces, told_apart(turns, talkers), strict=True))


def speech_of(spoken: Iterable[Iterable[Spoken]], talkers: Mapping[int, Talker]) -> dict[int, Speech]:
    """What each face says, by the number of its track."""
    return {
        one.face.track_id: Speech(
            one.is_speaking, one.sure, talkers[one.person].voice if one.person in talkers else None
        )
        for one in chain.from_iterable(spoken)
    }


def people_of(spoken: Iterable[Iterable[Spoken]], talkers: Mapping[int, Talker]) -> list[Person]:
    """Who is seen, in order of first appearance."""
    tracks: dict[int, list[Spoken]] = defaultdict(list)
    for one in chain.from_iterable(spoken):
        tracks[one.person].append(one)
    return [
        Person(
            person=number + 1,
            tracks={one.face.track_id: round(one.person_confidence, 4) for one in own},
            frames=sum(len(one.sure) for one in own),
            speaking_frames=sum(int(one.is_speaking.sum()) for one in own),
            voice=talkers[number].voice if number in talkers else None,
            voice_confidence=round(own[0].voice.confidence, 4) if own[0].voice else None,
        )
        for number, own in sorted(tracks.items())
    ]
