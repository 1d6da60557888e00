"""``vidlib correct``: what a person decides is recorded, listed and taken back."""

import json
from pathlib import Path

import pytest

from tests import finished, sample_media
from vidlib.files import sha256
from vidlib.settings import Settings


@pytest.fixture
def film(workspace: Settings, tmp_path: Path) -> Path:
    """A video whose results are there."""
    video = sample_media.clip(tmp_path / "film.mp4")
    finished.register(workspace, finished.all_steps(workspace.work / sha256(video)[:16], video=video), video)
    return video


def test_a_decision_is_recorded_and_says_how_it_is_applied(vidlib, film):
    code, out, _ = vidlib("correct", "add-cut", film, 10, "dissolve")
    assert code == 0
    assert "add-cut frame=10 kind=dissolve" in out
    assert f"to run scenes: vidlib correct apply {film}" in out
    _, out, _ = vidlib("correct", "list", film, "--json")
    (row,) = json.loads(out)["corrections"]
    assert (row["action"], row["fields"], row["state"]) == ("add-cut", "frame=10 kind=dissolve", "pending")


def test_the_video_may_come_first(vidlib, film):
    code, out, _ = vidlib("correct", film, "name", "SPEAKER_01", "Anna Weber", "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["fields"], document["steps"]) == ("speaker=SPEAKER_01 name=Anna Weber", ["tracking"])


@pytest.mark.parametrize(
    "words",
    [
        "remove-cut 20",
        "move-cut 20 22",
        "set-kind 20 fade",
        "set-speaker 0 20 SPEAKER_01",
        "join-speakers SPEAKER_00 SPEAKER_01",
        "merge 1 2",
        "different 1 4",
        "split 1 10",
        "not-a-face 2",
        "speaking 1 0 9 no",
        "confirm 41",
    ],
)
def test_every_decision_has_a_command(vidlib, film, words):
    action, *arguments = words.split()
    assert vidlib("correct", action, film, *arguments)[0] == 0
    (row,) = json.loads(vidlib("correct", "list", film, "--json")[1])["corrections"]
    assert row["action"] == action


def test_undo_takes_back_the_last_decision(vidlib, film):
    vidlib("correct", "remove-cut", film, 20)
    code, out, _ = vidlib("correct", "undo", film)
    assert code == 0 and "undo" in out and "to run" not in out
    assert "undone" in vidlib("correct", "list", film)[1]
    code, _, err = vidlib("correct", "undo", film)
    assert code == 2 and "no correction to undo" in err


def test_a_mistake_is_named(vidlib, film):
    code, _, err = vidlib("correct", "remove-cut", film, 30)
    assert code == 2 and "the nearest one begins at 20" in err
    code, _, err = vidlib("correct", "name", film, "SPEAKER_07", "Anna")
    assert code == 2 and "SPEAKER_00, SPEAKER_01" in err


def test_an_export_says_that_a_decision_is_not_applied_yet(vidlib, film, tmp_path):
    vidlib("correct", "add-cut", film, 10)
    code, out, err = vidlib("export", film, "--format", "edl", "--to", tmp_path / "edit")
    assert code == 0
    assert Path(out.strip()).is_file()
    assert "without 1 newer decision by a person; to apply them: vidlib correct apply VIDEO" in err
    document = json.loads(vidlib("export", film, "--format", "edl", "--to", tmp_path / "edit", "--json")[1])
    assert (document["decisions"], document["pending"]) == (0, 1)


def test_evaluate_counts_from_corrections_what_was_really_wrong(vidlib, film):
    vidlib("correct", "remove-cut", film, 20)
    vidlib("correct", "confirm", film, 41)
    for words in ((), (film,)):
        rows = json.loads(vidlib("evaluate", *words, "--corrections", "--json")[1])["checked"]
        assert [(row["kind"], row["checked"], row["wrong"]) for row in rows] == [
            ("other", 1, 0),
            ("not asked", None, 1),
        ]
    code, _, err = vidlib("evaluate", film)
    assert code == 2 and "expected RESULTS and TRUTH, or --corrections" in err
