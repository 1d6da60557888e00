"""What changed between two results of a video."""

from collections.abc import Callable
from pathlib import Path

import pytest

import vidlib
from tests import evaluated, finished
from vidlib import Shot, Span, Turn, Video, Workspace
from vidlib.errors import UsageError


@pytest.fixture
def results(ws: Workspace, library: Path, tmp_path: Path) -> Callable[..., Video]:
    """``results(shots=..., turns=..., tracks=...)``: the clip with results that differ from the usual ones in that."""
    made = []

    def make(**changed) -> Video:
        place = tmp_path / f"made {len(made)}"
        made.append(place)
        chosen = Workspace(place)
        folders = finished.all_steps(place / "steps", video=library / "talk.mp4", **changed)
        finished.register(chosen.settings, folders, library / "talk.mp4")
        return chosen.open(library / "talk.mp4")

    return make


def changes(table) -> list[tuple]:
    return [tuple(row) for row in table[["change", "start_a", "start_b"]].astype(object).where(table.notna()).values]


def test_the_same_results_have_no_changes(results):
    same = vidlib.compare(results(), results())
    assert [len(table) for table in (same.shots, same.turns, same.tracks)] == [0, 0, 0]
    assert same.missing == ()


@pytest.mark.slow
def test_shots_are_added_removed_moved_and_called_otherwise(results):
    a = [Shot(Span(0, 10), "start"), Shot(Span(10, 22)), Shot(Span(22, 50), "dissolve")]
    b = [Shot(Span(0, 25), "start"), Shot(Span(25, 40), "dissolve"), Shot(Span(40, 50))]
    found = vidlib.compare(results(shots=a, tracks=()), results(shots=b, tracks=())).shots
    moved = found[found.change == "moved"]
    assert moved[["start_a", "start_b"]].values.tolist() == [[22, 25]]
    assert found[found.change == "removed"].start_a.tolist() == [10]
    assert found[found.change == "added"].start_b.tolist() == [40]
    renamed = vidlib.compare(
        results(shots=a, tracks=()), results(shots=[*a[:2], Shot(Span(22, 50), "fade")], tracks=())
    )
    (row,) = renamed.shots.to_dict("records")
    assert (row["change"], row["boundary_a"], row["boundary_b"]) == ("changed", "dissolve", "fade")


def test_a_turn_of_another_speaker_is_a_change_and_a_longer_one_has_moved(results):
    turns = [Turn(0.0, 0.8, "SPEAKER_00"), Turn(0.8, 1.4, "SPEAKER_01"), Turn(1.6, 2.0, "SPEAKER_01")]
    found = vidlib.compare(results(), results(turns=turns)).turns
    assert found.change.tolist() == ["moved", "changed"]
    assert found.stop_b.tolist() == [35, 50]
    assert found.speaker_a.tolist() == ["SPEAKER_01", "SPEAKER_00"]
    assert found.speaker_b.tolist() == ["SPEAKER_01", "SPEAKER_01"]


def test_tracks_are_the_same_where_their_boxes_are_whatever_their_numbers(results):
    renumbered = [
        finished.track(11, range(20), 1, speaking=range(2, 18), speaker="SPEAKER_01"),
        finished.track(13, range(25, 41), 2, label="chair"),
        finished.track(14, range(41, 50), 3, speaking=range(43, 49), speaker="SPEAKER_00"),
    ]
    found = vidlib.compare(results(), results(tracks=renumbered)).tracks
    assert found.change.tolist() == ["removed", "changed", "moved"]
    assert found.track_id_a.tolist() == [2, 1, 3]
    assert found[found.change == "moved"].start_b.tolist() == [25]


def test_a_video_is_compared_with_a_folder_of_results(ws, tmp_path, results):
    folder = evaluated.publish(tmp_path / "docs", stem="talk", leave_out=["_tracking.parquet"])
    found = vidlib.compare(results(), folder)
    assert found.shots.change.tolist().count("added") == 3
    assert found.missing == ("tracks of talk.mp4: there are none in b",)


def test_different_videos_are_not_compared(ws):
    with pytest.raises(UsageError, match="different videos"):
        vidlib.compare("talk", "street")


def test_a_cell_shows_all_changes(results):
    page = vidlib.compare(results(), results(turns=[]))._repr_html_()
    assert "turns: 3 changes" in page
    assert "shots: 0 changes" in page
