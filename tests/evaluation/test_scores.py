"""All figures together: perfect results have perfect figures, and each mistake moves its own."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import evaluated
from vidlib.errors import UsageError
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.scores import Evaluation, evaluate
from vidlib.timeline import Shot, Span, Turn

LOW_IS_GOOD = {
    "error rate",
    "missed detection",
    "false alarm",
    "confusion",
    "identity switches",
    "tracks across a cut",
    "false faces",
    "taken for a boundary",
}


@functools.cache
def perfect() -> Evaluation:
    return evaluate(evaluated.TRUTH, evaluated.found())


def figures(evaluation: Evaluation) -> dict[tuple[str, str, str], float | None]:
    return {(score.part, score.measure, score.subset): score.value for score in evaluation.scores}


def moved(found: Results) -> set[str]:
    """The figures, as ``part: measure``, in which ``found`` differs from perfect results."""
    now, before = figures(evaluate(evaluated.TRUTH, found)), figures(perfect())
    assert now.keys() == before.keys()
    return {
        f"{part}: {measure}" for (part, measure, subset), value in now.items() if value != before[part, measure, subset]
    }


def with_rows(change: Callable[[dict], dict | None]) -> Results:
    """Perfect results but for the rows that ``change`` changes, or drops (None)."""
    return evaluated.found(tracks=pd.DataFrame([row for one in evaluated.rows() if (row := change(dict(one)))]))


def test_perfect_results_have_perfect_figures():
    for score in perfect().scores:
        if score.measure == "number of voices":
            assert (score.value, score.n) == (3, 3), score
        elif score.measure == "number of people":
            assert (score.value, score.n) == (2, 2), score
        elif score.measure in LOW_IS_GOOD:
            assert score.value == 0, score
        else:
            assert (score.value, score.unit) == (1, "share"), score


def test_results_of_nothing_have_no_figures_beyond_their_parts():
    nothing = Results(stem="film", where=evaluated.found().where, missing=("nothing is there",))
    assert evaluate(evaluated.TRUTH, nothing).scores == ()
    assert evaluate(evaluated.TRUTH, nothing).missing == ("nothing is there",)


def test_a_cut_that_is_missed_lowers_recall():
    shots = [Shot(Span(0, 135), "start"), *evaluated.SHOTS[2:]]
    assert moved(evaluated.found(shots=shots)) == {"shots: recall", "shots: F1"}


def test_a_boundary_too_many_lowers_precision():
    first, *others = evaluated.SHOTS
    shots = [Shot(Span(0, 40), "start"), Shot(Span(40, first.span.stop)), *others]
    assert moved(evaluated.found(shots=shots)) == {"shots: precision", "shots: F1"}


def test_a_boundary_in_a_flash_is_said_to_be_one():
    first, *others = evaluated.SHOTS
    shots = [Shot(Span(0, 20), "start"), Shot(Span(20, first.span.stop)), *others]
    found = evaluated.found(shots=shots)
    assert moved(found) == {"shots: precision", "shots: F1", "shots: taken for a boundary"}


def test_another_kind_of_boundary_moves_only_the_kinds():
    shots = [replace(shot, boundary="cut") for shot in evaluated.SHOTS]
    assert moved(evaluated.found(shots=shots)) == {"shots: right kind"}


def test_a_face_that_is_missed_lowers_coverage():
    assert moved(with_rows(lambda row: None if row["frame"] == 10 else row)) == {"faces: found"}


def test_a_face_without_landmarks_lowers_their_share():
    assert moved(with_rows(lambda row: row | ({"jawOpen": np.nan} if row["frame"] == 10 else {}))) == {
        "faces: with landmarks"
    }


def test_what_is_no_face_is_counted():
    ghost = evaluated.rows()[0] | {"frame": 150, "track_id": 99, "is_speaking": False, "speaker": None}
    assert moved(evaluated.found(tracks=pd.DataFrame([*evaluated.rows(), ghost]))) == {"faces: false faces"}


def test_a_person_who_goes_on_under_another_track_is_a_switch():
    found = with_rows(lambda row: row | ({"track_id": 50} if 10 < row["frame"] <= 40 and row["track_id"] == 1 else {}))
    assert moved(found) == {"faces: identity switches"}
    assert evaluate(evaluated.TRUTH, found).value("faces", "identity switches") == 2


def test_two_people_in_one_track_are_impure():
    found = with_rows(
        lambda row: (
            row | {"track_id": {2: 3, 3: 2}.get(row["track_id"], row["track_id"])} if row["frame"] > 100 else row
        )
    )
    assert moved(found) == {"faces: track purity", "faces: identity switches"}


def test_a_track_that_goes_on_over_a_cut_is_counted():
    found = with_rows(lambda row: row | ({"track_id": 1} if row["track_id"] == 2 else {}))
    assert moved(found) == {"faces: tracks across a cut"}


def test_a_silent_face_that_is_said_to_speak_lowers_precision():
    found = with_rows(lambda row: row | ({"is_speaking": True} if row["track_id"] == 3 else {}))
    assert moved(found) == {"speaking: precision", "speaking: F1"}


def test_a_listener_whose_lips_move_is_a_figure_of_its_own():
    found = with_rows(lambda row: row | ({"is_speaking": True} if row["frame"] > 180 else {}))
    assert moved(found) == {"speaking: precision", "speaking: F1", "speaking: right"}


def test_a_speaker_who_is_said_to_be_silent_lowers_recall():
    found = with_rows(lambda row: row | ({"is_speaking": False} if row["frame"] < 10 else {}))
    assert moved(found) == {"speaking: recall", "speaking: F1"}


def test_speech_that_is_missed_is_no_confusion():
    turns = [replace(evaluated.TURNS[0], stop_s=3.0), *evaluated.TURNS[1:]]
    found = evaluated.found(turns=turns)
    assert moved(found) == {"voices: error rate", "voices: missed detection", "voices: right voice"}
    assert evaluate(evaluated.TRUTH, found).value("voices", "missed detection") == pytest.approx(1.0)
    assert evaluate(evaluated.TRUTH, found).value("voices", "right voice", "of what was found") == 1


def test_speech_of_nobody_is_a_false_alarm():
    found = evaluated.found(turns=[*evaluated.TURNS, Turn(7.0, 7.5, "SPEAKER_02")])
    assert moved(found) == {"voices: error rate", "voices: false alarm"}


def test_the_wrong_voice_is_confusion():
    turns = [*evaluated.TURNS[:2], Turn(5.2, 6.0, "SPEAKER_02"), Turn(6.0, 6.8, "SPEAKER_00")]
    assert moved(evaluated.found(turns=turns)) == {"voices: error rate", "voices: confusion", "voices: right voice"}


def test_a_face_with_the_wrong_voice_lowers_both_and_one_without_a_voice_only_recall():
    wrong = with_rows(lambda row: row | ({"speaker": "SPEAKER_02"} if row["track_id"] == 2 else {}))
    assert moved(wrong) == {"voice of a face: precision", "voice of a face: recall"}
    without = with_rows(lambda row: row | ({"speaker": None} if row["track_id"] == 2 else {}))
    assert moved(without) == {"voice of a face: recall"}


@pytest.mark.slow
@given(st.permutations(["SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_07"]), st.integers(1, 10_000))
def test_nothing_depends_on_what_voices_and_tracks_are_called(labels, first_id):
    new = dict(zip(["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"], labels, strict=False))

    def number(track: int) -> int:
        return (track * 7919) % 10_007 + first_id

    found = evaluated.found(
        turns=[replace(turn, speaker=new[turn.speaker]) for turn in evaluated.TURNS],
        tracks=pd.DataFrame(
            [row | {"track_id": number(row["track_id"]), "speaker": new[row["speaker"]]} for row in evaluated.rows()]
        ),
        people=[
            replace(one, tracks={number(track): sure for track, sure in one.tracks.items()}) for one in evaluated.PEOPLE
        ],
    )
    assert moved(found) == set()


flips = st.sets(st.integers(0, len(evaluated.rows()) - 1), max_size=60)


@pytest.mark.slow
@given(flips, flips, st.integers(1, 4), st.lists(st.integers(1, 199), max_size=12, unique=True))
def test_shares_lie_between_0_and_1_whatever_is_found(dropped, flipped, n_tracks, starts):
    rows = [
        row | {"track_id": row["track_id"] % n_tracks, "is_speaking": row["is_speaking"] ^ (place in flipped)}
        for place, row in enumerate(evaluated.rows())
        if place not in dropped
    ]
    edges = [0, *sorted(starts), evaluated.FRAMES]
    shots = [Shot(Span(start, stop), "cut" if start else "start") for start, stop in pairwise(edges)]
    found = evaluated.found(tracks=pd.DataFrame(rows), shots=shots)
    for score in evaluate(evaluated.TRUTH, found).scores:
        assert score.unit != "share" or score.value is None or 0 <= score.value <= 1
        assert score.value is None or score.value >= 0


def test_results_without_a_single_face_or_voice_have_figures_too():
    found = evaluated.found(tracks=pd.DataFrame(evaluated.rows()).iloc[:0], turns=[])
    evaluation = evaluate(evaluated.TRUTH, found)
    assert evaluation.value("faces", "found") == 0
    assert evaluation.value("faces", "track purity") is None
    assert evaluation.value("voices", "error rate") == 1
    assert evaluation.value("voice of a face", "precision") is None


def test_results_of_a_film_of_another_length_are_wrong_usage():
    with pytest.raises(UsageError, match="have 199 frames, the truth has 200"):
        evaluate(evaluated.TRUTH, evaluated.found(shots=[Shot(Span(0, 199), "start")], tracks=None))
    later = pd.DataFrame([row | {"frame": row["frame"] + 1} for row in evaluated.rows()])
    with pytest.raises(UsageError, match="have 201 frames, the truth has 200"):
        evaluate(evaluated.TRUTH, evaluated.found(tracks=later))


def test_what_could_not_be_judged_is_said():
    missing = evaluate(evaluated.TRUTH, evaluated.found(kinds_known=False)).missing
    assert any("types of boundaries" in line for line in missing)
    assert any("pauses count as speech" in line for line in missing)


def test_voices_known_better_than_by_clips_count_instead():
    evaluation = evaluate(evaluated.TRUTH, evaluated.found(), [Turn(0.0, 2.0, "A")])
    assert evaluation.value("voices", "false alarm") == pytest.approx(4.8)


def test_the_table_and_the_json_say_the_same():
    table, document = perfect().table(), perfect().as_json()
    assert len(table) == len(document["scores"]) == len(perfect().rows())
    assert list(table.columns) == ["video", "part", "measure", "subset", "value", "unit", "n"]
    assert table.value.tolist() == [score["value"] for score in document["scores"]]
    json.dumps(document, allow_nan=False)


def test_a_figure_of_no_known_name_is_no_figure():
    with pytest.raises(KeyError):
        perfect().value("shots", "beauty")
