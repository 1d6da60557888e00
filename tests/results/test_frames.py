"""What analysts read: the results of a whole workspace, and the notebook that shows how."""

import os
from pathlib import Path

import nbformat
import papermill
import pytest

from tests import finished, sample_media
from vidlib.results import frames as tables
from vidlib.settings import settings
from vidlib.steps import report


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video, reported twice: the audio failed at first."""
    root = tmp_path_factory.mktemp("workspace")
    home = root / "work" / finished.SHA256[:16]
    folders = finished.all_steps(home, video=sample_media.clip(root / "clip.mp4"))
    failed = {"status": "failed", "folder": None}
    for n, others in enumerate(({"audio": failed}, {})):
        evidence = finished.evidence(root / f"evidence-{n}.json", folders, **others)
        inputs = report.Inputs(evidence=evidence, report_dir=root / "runs", out_dir=home / f"report-00000000000{n}")
        outputs = report.run(inputs, report.Params())
        os.utime(outputs.summary, (n, n))
    return root


@pytest.fixture(scope="module")
def found(workspace: Path) -> list[tables.Summary]:
    return tables.reports(workspace / "work")


def test_the_newest_report_of_each_video_counts(found):
    videos = tables.videos(found)
    assert videos[
        ["project", "video", "shots", "speakers", "face_tracks", "objects", "unfinished"]
    ].values.tolist() == [["news", "clip.mp4", 3, 2, 3, 1, ""]]


def test_shots_have_lengths_in_seconds(found):
    assert tables.shots(found).length_s.tolist() == [0.8, 0.84, 0.36]


def test_talk_time_is_summed_by_speaker(found):
    talk = tables.voices(found).set_index("speaker").talk_s.round(2)
    assert talk.to_dict() == {"SPEAKER_00": 1.2, "SPEAKER_01": 0.4}


def test_faces_and_steps_are_listed(found):
    assert tables.faces(found).track_id.tolist() == [1, 2, 4]
    assert tables.steps(found).name.tolist() == ["convert", "scenes", "audio", "tracking", "reduce"]


def test_frames_of_all_videos_are_in_one_table(found, workspace):
    frames = tables.frames(found, workspace / "work", ["frame", "label", "is_speaking"])
    assert len(frames) == 20 + 20 + 21 + 9
    assert frames[frames.is_speaking].frame.tolist() == [*range(3, 19), *range(44, 50)]


def test_an_empty_workspace_gives_empty_tables(tmp_path):
    assert tables.reports(tmp_path) == []
    assert tables.shots([]).empty
    assert list(tables.frames([], tmp_path, ["frame"]).columns) == ["frame", "project", "video"]


@pytest.mark.parametrize("filled", [True, False], ids=["finished", "empty"])
def test_the_notebook_runs_on_any_workspace(filled, workspace, tmp_path):
    notebook = settings().notebooks_dir / "explore" / "01_results.ipynb"
    chosen = str(workspace if filled else tmp_path)
    papermill.execute_notebook(notebook, tmp_path / "out.ipynb", {"workspace": chosen}, progress_bar=False)
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    (query,) = [cell for cell in cells if cell.id == "query"]
    assert ("clip.mp4" in query.outputs[0].data["text/html"]) == filled
