"""The fit of who speaks, and what a truth says about it."""

import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vidlib.errors import UsageError
from vidlib.evaluation.matching import COLUMNS, FACES
from vidlib.settings import REPOSITORY
from vidlib.tracking.speaker_assignment import FaceEvidence
from vidlib.tracking.speaking import WEIGHTS, Sound

N = 200
SPEAKS = np.arange(N) % 100 < 50


@pytest.fixture
def dubbing(monkeypatch: pytest.MonkeyPatch):
    """``dubbing(module)``: a module of benchmarks/dubbing, or of benchmarks."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    return importlib.import_module


def heard(listening, video: str, kind: str, sound: str):
    """A video of one face, whose lips move more where it speaks."""
    random = np.random.default_rng(len(video + sound))
    terms = {name: random.normal(0, 1, N) for name in WEIGHTS}
    terms |= {"movement": np.where(SPEAKS, 1.0, -1.0), "lips": np.ones(N)}
    spoken = SPEAKS if sound == "its own" else np.zeros(N)
    face = listening.HeardFace(
        FaceEvidence(1, 0, np.zeros(N), None), terms, terms, np.ones(N, bool), np.array(spoken, float)
    )
    return listening.Listened(
        video, kind, sound, [(Sound(0, np.ones(N, bool), [("A",)] * N, np.zeros((0, 640))), [face])]
    )


def test_the_fit_finds_what_tells_who_speaks_and_scores_it_on_a_kind_that_is_left_out(dubbing):
    program, listening = dubbing("quality_speaking"), dubbing("dubbing.listening")
    videos = [("one", "street"), ("two", "films"), ("three", "films")]
    faces = [heard(listening, *video, "its own") for video in videos]
    told = program.fit(faces[:2], faces[2:])
    weights, scores = told.split("\n\n")
    by_all = dict(zip(weights.splitlines()[0].split(), weights.splitlines()[1].split()[1:], strict=True))
    assert float(by_all["movement"]) > 1 > abs(float(by_all["change"]))
    assert [line.split()[0] for line in weights.splitlines()[1:]] == ["all", "without", "without"]
    fitted = [line.split() for line in scores.splitlines() if " fitted " in f" {line} "]
    assert [row[row.index("fitted") + 1 :][:2] for row in fitted] == [["1.000", "1.000"]] * 3


def test_a_map_is_chosen_on_one_kind_and_measured_on_all(dubbing):
    """Claims of 0.6 are right in 0.9 of the cases in one kind, and in 0.6 in the other."""
    calibrating = dubbing("dubbing.calibrating")
    shares = {"modest": 0.9, "exact": 0.6}
    claims = pd.concat(
        pd.DataFrame({"kind": kind, "confidence": 0.6, "right": np.arange(100) < 100 * share})
        for kind, share in shares.items()
    )
    table = calibrating.maps(claims[claims.kind == "modest"], claims[claims.kind == "exact"])
    assert [name.split(":")[0] for name in table.index] == ["none", "modest"]
    assert table.to_numpy().tolist() == [["0.300 (0.30)", "0.000 (0.00)"], ["0.000 (0.00)", "0.300 (0.30)"]]


def test_a_fit_needs_two_kinds_of_footage(dubbing):
    program, listening = dubbing("quality_speaking"), dubbing("dubbing.listening")
    videos = [heard(listening, name, "films", "its own") for name in ("one", "two")]
    with pytest.raises(UsageError, match="only films is left to choose on"):
        program.fit(videos)


def test_sampled_frames_tell_who_speaks_and_turns_beside_them_who_is_heard(dubbing, tmp_path: Path):
    truths = dubbing("dubbing.truths")
    clip, truth = tmp_path / "clip.mp4", tmp_path / "clip.json"
    clip.touch()
    face = {"id": "A", "x": 50, "y": 50, "req": 1}
    known = {"frames": 100, "size": [640, 360], "cuts": [60], "gradual": [], "optional": [], "faces": {"12": [face]}}
    truth.write_text(json.dumps(known | {"speaking": [["A", 1, [12]], ["A", 0, [30]]]}))
    video = truths.read(f"{clip}={truth}")
    assert (video.kind, [shot.span.start for shot in video.shots], video.n_frames) == ("clip", [0, 60], 100)
    rows = [(frame, 7, 320.0, 180.0, 60.0, 80.0, False, None, 0.0, 0.0) for frame in (13, 31)]
    tracks = pd.DataFrame(rows, columns=COLUMNS).assign(source=FACES)
    samples = np.zeros((100, 640), np.float32)
    assert video.answers(tracks, samples) == {(7, 12): True, (7, 30): False}
    with pytest.raises(UsageError, match=r"clip\.rttm is missing"):
        video.sound(samples)
    (tmp_path / "clip.rttm").write_text("SPEAKER clip 1 0.400 0.200 <NA> <NA> A 1.0 <NA>\n")
    assert [frame for frame, labels in enumerate(video.sound(samples).speakers) if labels == ("A",)] == [
        10,
        11,
        12,
        13,
        14,
    ]
