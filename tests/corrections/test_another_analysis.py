"""Two hundred random decisions, taken about one analysis, and applied to another one of the same video.

Each is found again or listed with a reason. None is applied to something else.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.corrections.analysed import N_FRAMES, Analysis, Folder, analyse, hashes
from vidlib.corrections import shots, tracks, turns
from vidlib.corrections.actions import Decision, parse
from vidlib.corrections.anchors import TrackBoxes, anchor_speaker, anchor_track
from vidlib.corrections.shots import SAME_BOUNDARY_FRAMES
from vidlib.corrections.tracks import FaceTracks
from vidlib.results.exports import shots_json
from vidlib.timeline import Turns, support, tiles

FIRST, SECOND = 2, 3
N_DECISIONS = 200


def faces_of(found: Analysis) -> FaceTracks:
    boxes = {rows.track_id: TrackBoxes(np.arange(len(rows.boxes)) + rows.start, rows.boxes) for rows in found.tracks}
    person = {track: one.person for one in found.people for track in one.tracks}
    return FaceTracks.from_boxes(boxes, person, max(boxes) + 1)


def decisions(found: Analysis, seed: int) -> list[Decision]:
    """Random decisions about ``found``, each with the anchor that the API gives it."""
    chance, faces = np.random.default_rng(seed), faces_of(found)

    def pick(values: Any) -> Any:
        return list(values)[chance.integers(len(list(values)))]

    def boundary() -> int:
        return pick(found.shots[1:]).span.start

    def speaker(name: str = "speaker") -> dict[str, Any]:
        label = pick(found.turns.speakers)
        return {name: label, f"{name}_at": anchor_speaker(found.turns, label)}

    def track(name: str = "track") -> dict[str, Any]:
        number = pick(faces.boxes)
        return {name: number, f"{name}_at": anchor_track(faces.boxes[number])}

    def at_frame(fields: dict[str, Any]) -> dict[str, Any]:
        frames = faces.boxes[fields["track"]].frames
        return {**fields, "frame": int(frames[len(frames) // 2])}

    def times() -> dict[str, int]:
        start = int(chance.integers(0, N_FRAMES - 60))
        return {"start": start, "stop": start + int(chance.integers(10, 60))}

    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "add-cut": lambda: {"frame": int(chance.integers(1, N_FRAMES)), "kind": pick(["cut", "fade"])},
        "remove-cut": lambda: {"frame": boundary()},
        "move-cut": lambda: {"frame": (frame := boundary()), "to": max(1, frame + int(chance.integers(-9, 10)))},
        "set-kind": lambda: {"frame": boundary(), "kind": pick(["cut", "dissolve", "fade"])},
        "set-speaker": lambda: {**times(), **speaker()},
        "join-speakers": lambda: {**speaker(), **speaker("other")},
        "name": lambda: {**speaker(), "name": f"Person {chance.integers(9)}"},
        "merge": lambda: {**track(), **track("other")},
        "different": lambda: {**track(), **track("other")},
        "split": lambda: at_frame(track()),
        "not-a-face": track,
        "speaking": lambda: {**track(), **times(), "speaks": bool(chance.integers(2))},
    }

    def some() -> Iterator[Decision]:
        number = 0
        while True:
            action = pick(kinds)
            fields = kinds[action]()
            if fields.get("other", "nobody") not in (fields.get("track"), fields.get("speaker")):
                yield Decision(id=f"{number:012x}", decision=parse(action, fields))
                number += 1

    source = some()
    return [next(source) for _ in range(N_DECISIONS)]


MADE = decisions(analyse(FIRST), seed=7)


@pytest.fixture
def found() -> Analysis:
    return analyse(SECOND)


def test_shots_still_tile_the_video_and_hold_the_last_word(found: Analysis):
    changed, unfit = shots.apply(found.shots, MADE)
    assert tiles([shot.span for shot in changed], N_FRAMES)
    assert all("frame" in reason or "shot" in reason for reason in unfit.values())
    for one in (one for one in MADE if "scenes" in one.decision.steps):
        alone, reasons = shots.apply(found.shots, [one])
        starts = {shot.span.start: shot for shot in alone}
        action, frame = one.decision.action, one.decision.frame
        near = shots.nearest_boundary(starts, frame)
        if reasons:
            assert action in ("move-cut", "set-kind") and alone == found.shots
        elif action == "add-cut":
            assert starts[frame].confidence == 1 and starts[frame].boundary == one.decision.kind
        elif action == "remove-cut":
            assert near is None
        elif action == "set-kind":
            assert starts[near].boundary == one.decision.kind and starts[near].confidence == 1
        else:
            assert one.decision.to in starts


def test_no_speech_is_added_or_lost_and_no_other_turn_changes(found: Analysis):
    changed, _ = turns.apply(found.turns, MADE)
    assert support(changed.segments) == support(found.turns.segments)
    n_fit = 0
    for one in (one for one in MADE if one.decision.action == "set-speaker"):
        alone, reasons = turns.apply(found.turns, [one])
        margin = turns.MIN_REST_S
        start_s, stop_s = one.decision.start / 25 - margin, one.decision.stop / 25 + margin
        outside = [turn for turn in found.turns if turn.stop_s <= start_s or turn.start_s >= stop_s]
        assert set(outside) <= set(alone) or reasons
        assert not reasons or alone == found.turns
        n_fit += not reasons
    assert n_fit > 5


def test_a_speaker_is_the_one_who_was_heard_then(found: Analysis):
    """Both analyses draw the same speakers under other labels."""
    first = analyse(FIRST).turns
    for label in first.speakers:
        anchor = anchor_speaker(first, label)
        again = turns.find_speaker(anchor, found.turns)
        shared = {
            other: sum(part.duration_s for a in own for b in first.by_speaker()[label] if (part := a & b))
            for other, own in found.turns.by_speaker().items()
        }
        assert again == max(shared, key=shared.__getitem__)
    assert turns.find_speaker(anchor, Turns()) is None


def test_a_face_is_the_one_that_was_there_or_nobody(found: Analysis):
    first, second = faces_of(analyse(FIRST)), faces_of(found)
    n_found = 0
    for number, boxes in first.boxes.items():
        again = tracks.find_track(anchor_track(boxes), second.boxes, number)
        if again is not None:
            n_found += 1
            both = np.intersect1d(boxes.frames, second.boxes[again].frames)
            assert len(both) >= 0.6 * len(boxes.frames)
            assert abs(second.boxes[again].boxes[0] - boxes.boxes[0]).max() < 10
    assert n_found >= 0.7 * len(first.boxes)


def test_faces_stay_each_of_one_person_and_every_decision_is_applied_or_listed(found: Analysis):
    faces = faces_of(found)
    unfit = tracks.apply(faces, MADE)
    kept = faces.boxes.keys() - faces.removed
    assert faces.people().keys() == kept
    assert sorted(set(faces.people().values())) == list(range(1, 1 + len(set(faces.people().values()))))
    frames = [frame for track in faces.boxes.values() for frame in track.frames.tolist()]
    assert sorted(frames) == sorted(
        frame for rows in found.tracks for frame in range(rows.start, rows.start + len(rows.boxes))
    )
    of_tracks = [one.id for one in MADE if hasattr(one.decision, "track")]
    assert unfit.keys() <= set(of_tracks) and 0 < len(unfit) < len(of_tracks)


@pytest.mark.slow
def test_all_steps_apply_them_and_leave_the_originals_alone(found: Analysis, tmp_path: Path):
    folder = Folder(tmp_path, found, {"scenes": {"threshold": 0.4}})
    plain = folder.run(())
    before = hashes(tmp_path)
    outputs = folder.run(tuple(MADE))
    assert before.items() <= hashes(tmp_path).items()
    listed = {id for step in ("scenes", "audio", "tracking") for id in outputs[step].unfit}
    assert listed < {one.id for one in MADE}
    again = folder.run(())
    for name, result in plain.items():
        assert hashes_of(result) == hashes_of(again[name])
    assert shots_json.read(outputs["scenes"].shots) == shots.apply(found.shots, MADE)[0]


def hashes_of(outputs: Any) -> list[bytes]:
    return [value.read_bytes() for _, value in outputs if isinstance(value, Path)]


def test_boundaries_within_two_frames_are_one(found: Analysis):
    start = found.shots[3].span.start
    for shift in range(-SAME_BOUNDARY_FRAMES, SAME_BOUNDARY_FRAMES + 1):
        one = Decision(id="0" * 12, decision=parse("add-cut", {"frame": start + shift}))
        changed, _ = shots.apply(found.shots, [one])
        assert len(changed) == len(found.shots) and changed[3].span.start == start + shift
