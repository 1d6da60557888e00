"""``vidlib compare``: two results of a video, side by side."""

import json
from pathlib import Path

import pytest

from tests import finished, sample_media
from vidlib.settings import Settings
from vidlib.timeline import Shot, Span

OTHER = [Shot(Span(0, 25), "start", 1.0), Shot(Span(25, 41), "cut", 0.9), Shot(Span(41, 50), "fade", 0.4)]


@pytest.fixture
def runs(workspace: Settings, tmp_path: Path) -> list[str]:
    """Two runs of one video, with other shots and otherwise the same results."""
    clip = sample_media.clip(tmp_path / "talk.mp4")
    changed = ({}, {"shots": OTHER, "tracks": (), "people": ()})
    folders = [finished.all_steps(tmp_path / str(n), video=clip, **values) for n, values in enumerate(changed)]
    return [finished.register(workspace, found, clip) for found in folders]  # without a task for the report


def test_changes_are_counted_and_listed_with_time_codes(vidlib, runs):
    code, out, err = vidlib("compare", *runs)
    assert (code, err) == (0, "")
    assert "shots: 1 changed, 1 moved" in out
    assert "turns: no change" in out
    assert "tracks: 4 removed" in out
    moved = next(line for line in out.splitlines() if "moved" in line and "talk.mp4" in line)
    assert moved.split()[:6] == ["talk.mp4", "moved", "00:00:00:20", "20", "→", "25"]


def test_programs_get_every_change_as_json(vidlib, runs):
    code, out, _ = vidlib("compare", *runs, "--json")
    found = json.loads(out)
    assert code == 0
    assert [(row["change"], row["start_a"], row["start_b"]) for row in found["shots"]] == [
        ("moved", 20, 25),
        ("changed", 41, 41),
    ]
    assert {row["change"] for row in found["tracks"]} == {"removed"}
    assert found["tracks"][0]["start_b"] is None
    assert found["missing"] == []


def test_a_name_that_means_nothing_is_explained(vidlib, runs):
    code, out, err = vidlib("compare", runs[0], "nothing")
    assert (code, out) == (2, "")
    assert "there is no video 'nothing'" in err
