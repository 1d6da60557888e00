"""Results of any kind beside the truth, from Python."""

import shutil

import pytest

import vidlib
from tests import evaluated, sample_media
from vidlib.errors import UsageError
from vidlib.evaluation.ground_truth import Part, Truth


@pytest.fixture
def truth(tmp_path):
    """The truth about the clip of `finished`: its shots, and nobody in them."""
    shots = [
        evaluated.shot(0, "start", "close", Part(start=0, faces=(), audible="A")),
        evaluated.shot(20, "cut", "close", Part(start=20, faces=(), audible="B")),
    ]
    known = Truth(fps=25, frames=sample_media.N_FRAMES, size=sample_media.SIZE, shots=tuple(shots))
    return evaluated.write_truth(tmp_path / "talk.truth.json", known)


@pytest.mark.slow
def test_a_video_is_judged_by_name_path_or_itself(ws, library, truth):
    for video in ("talk.mp4", library / "talk.mp4", vidlib.open("talk")):
        figures = vidlib.evaluate(video, truth)
        assert figures.value("shots", "recall") == 1.0
        assert figures.value("shots", "precision") == 0.5
        assert len(figures.table()) > 5


def test_a_folder_with_results_is_judged(ws, tmp_path):
    folder = evaluated.publish(tmp_path / "docs")
    figures = vidlib.evaluate(folder, evaluated.write_truth(tmp_path / "film.truth.json"))
    assert figures.value("shots", "F1") == 1.0


def test_the_results_themselves_are_no_truth(ws, tmp_path):
    folder = evaluated.publish(tmp_path / "docs")
    truth = evaluated.write_truth(tmp_path / "film.truth.json")
    with pytest.raises(UsageError, match="is the result itself"):
        vidlib.evaluate(folder, truth, rttm=folder / "film.rttm")


def test_a_video_of_another_length_is_refused(ws, truth, tmp_path, library):
    shorter = truth.read_text().replace('"frames":50', '"frames":49')
    truth.write_text(shorter)
    with pytest.raises(UsageError, match="50 frames, the truth has 49"):
        vidlib.evaluate("talk", truth)


def test_a_video_without_results_is_a_clear_mistake(ws, truth, tmp_path):
    new = shutil.copy(sample_media.clip(tmp_path / "new.mp4", n_frames=12, cuts=()), tmp_path / "other.mp4")
    with pytest.raises(UsageError, match="Process it first"):
        vidlib.evaluate(new, truth)
