"""Finds the people of the cast again in another analysis of their video: by time and place, as corrections do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from vidlib.cast.finished import FinishedVideo
from vidlib.cast.records import Appearance
from vidlib.corrections.anchors import MIN_SHARE, TrackAnchor, find_track


def find_person(anchors: Sequence[TrackAnchor], source: FinishedVideo) -> int | None:
    """The number of the person who is where ``anchors`` were, in at least `MIN_SHARE` of their time; None without."""
    seen: Counter[int] = Counter()
    for anchor in anchors:
        if (track := find_track(anchor, source.faces.boxes, -1)) is not None:
            seen[source.faces.person[track]] += anchor.stop - anchor.start
    total = sum(anchor.stop - anchor.start for anchor in anchors)
    person, n_frames = max(seen.items(), key=lambda item: item[1], default=(None, 0))
    return person if n_frames >= MIN_SHARE * total else None


def attach(appearances: Mapping[int, Appearance], source: FinishedVideo) -> dict[int, Appearance]:
    """The appearances of a video as they are in another analysis of it; ``person`` is None for one that is nowhere."""
    people = {person.person: person for person in source.people}
    attached = {}
    for number, one in appearances.items():
        person = people.get(found) if (found := find_person(one.tracks, source)) is not None else None
        update: dict[str, Any] = {"analysis": source.analysis, "person": None if person is None else person.person}
        if person is not None:
            tracks, speaker_at = source.anchors(person)
            update |= {"tracks": tracks, "speaker": person.voice, "speaker_at": speaker_at}
        attached[number] = one.model_copy(update=update)
    return attached
