"""The benchmarks of quality as programs: what they judge, and what they say when they cannot."""

import importlib
import json
import runpy
import sys
from pathlib import Path

import pytest

from tests import evaluated, sample_media
from vidlib.evaluation.scores import evaluate
from vidlib.results.review import ReviewItem, questions
from vidlib.settings import REPOSITORY
from vidlib.timeline import Shot, Span


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """``run(script, *args)``: exit code, stdout and stderr of a script, in this process as it imports a lot."""
    folder = REPOSITORY / "benchmarks"
    monkeypatch.syspath_prepend(folder)

    def call(script: str, *args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [script, *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(folder / script), run_name="__main__")
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.mark.parametrize(
    "script",
    (
        "compose.py",
        "quality.py",
        "quality_faces.py",
        "quality_review.py",
        "quality_shots.py",
        "quality_speaking.py",
        "quality_voices.py",
    ),
)
def test_help_teaches_with_examples(run, script):
    code, out, _ = run(script, "--help")
    assert code == 0
    assert f"python benchmarks/{script}" in out


def test_results_that_are_there_are_judged_without_running_a_step(run, tmp_path):
    film = sample_media.clip(tmp_path / "film.mp4")
    truth, docs = evaluated.write_truth(tmp_path / "film.truth.json"), evaluated.publish(tmp_path / "docs")
    code, out, err = run("quality.py", film, truth, "--results", docs)
    assert (code, err) == (0, "")
    assert "error rate" in out
    (document,) = json.loads(run("quality.py", film, truth, "--results", docs, "--json")[1])
    found = {(row["part"], row["measure"], row["subset"]): row["value"] for row in document["scores"]}
    assert found["faces", "found", "all"] == found["shots", "F1", "all"] == 1


def test_films_stand_side_by_side_with_their_mean(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    quality = importlib.import_module("quality")
    one = evaluate(evaluated.TRUTH, evaluated.found())
    other = evaluate(
        evaluated.TRUTH, evaluated.found(stem="other", shots=[evaluated.SHOTS[0], Shot(Span(60, 200))], tracks=None)
    )
    lines = quality.text([one, other]).splitlines()
    assert lines[0].split() == ["video", "film", "other", "mean"]
    (precision,) = [line for line in lines if line.startswith("shots") and "precision" in line]
    (recall,) = [line for line in lines if " recall  " in line and " all " in line and "–" not in line][:1]
    assert precision.split()[-3:] == ["1.000", "1.000", "1.000"]
    assert recall.split()[-3:] == ["1.000", "0.333", "0.667"]
    (purity,) = [line for line in lines if "track purity" in line]
    assert purity.split()[-3:] == ["1.000", "–", "1.000"]


def test_the_first_items_name_errors_of_their_kind(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    program = importlib.import_module("quality_review")
    truth = evaluated.write_truth(tmp_path / "film.truth.json")
    results = evaluated.found(shots=[Shot(Span(0, 135), "start"), *evaluated.SHOTS[2:]])
    asked = [ReviewItem(message="?", kind="missed boundary", frame=frame, confidence=0.5) for frame in (20, 62)]
    errors, by_video, items = program.tables(
        [program.judge("film", results, truth, questions([("scenes", asked[0])], 1))]
    )
    assert errors.splitlines()[-1] == "named in the first 10: 0.00 [0.00, 0.00]"
    listed = questions([("scenes", item) for item in asked], 200)
    errors, by_video, items = program.tables([program.judge("film", results, truth, listed)])
    assert errors.splitlines()[-1] == "named in the first 10: 1.00 [1.00, 1.00]"
    assert by_video.splitlines()[-1].split() == ["film", "1", "1", "1", "1", "2"]
    assert items.splitlines()[-1].split() == ["missed", "boundary", "2", "0.50", "0.50"]


def test_a_sampled_truth_tells_errors(monkeypatch, tmp_path):
    """A cut at 60 is not found, A is missed in frame 90, and B does not speak where the results say so."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    sampled = importlib.import_module("sampled_truth")
    left, right = {"id": "A", "x": 5, "y": 90, "req": 1}, {"id": "B", "x": 75, "y": 50, "req": 1}
    truth = {"size": [640, 360], "cuts": [60, 135, 172], "gradual": [], "optional": [[130, 180]]}
    truth |= {"faces": {"90": [left, right], "110": [right, {"any": 1}]}, "speaking": [["B", 0, [106, 112]]]}
    path = tmp_path / "clip.json"
    path.write_text(json.dumps(truth))
    assert sampled.is_sampled(path)
    results = evaluated.found(shots=[Shot(Span(0, 135), "start"), *evaluated.SHOTS[2:]])
    told = [(error.kind, error.span.start, set(error.tracks)) for error in sampled.find_errors(path, results)]
    assert told == [
        ("missed boundary", 58, set()),
        ("lost face", 90, set()),
        ("false face", 90, {2}),
        ("wrong face speaker", 106, {3}),
    ]


def test_a_choice_is_scored_on_the_recording_that_took_no_part_in_it(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    statistics = importlib.import_module("ablation.statistics")

    def scores(*wrong_s):
        return {name: [statistics.Errors(wrong, 0, 0, 10, 2, 2)] for name, wrong in zip("abc", wrong_s, strict=True)}

    choices = {"low": scores(0, 4, 4), "high": scores(3, 3, 3)}
    chosen = statistics.leave_one_out(choices)
    assert chosen == {"a": "high", "b": "low", "c": "low"}  # "low" is best on "a" alone
    expected = statistics.pooled(statistics.chosen_scores(choices, chosen))
    assert expected == pytest.approx(11 / 30)
    assert expected > max(statistics.pooled(own) for own in choices.values())
    low, high = statistics.interval(choices["low"], choices["high"])
    assert (low, high) == pytest.approx((-0.3, 0.1))


def test_without_a_source_the_composer_says_what_it_takes(run):
    code, out, _ = run("compose.py")
    assert code == 0
    assert "--from film.mp4 film.truth.json" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "args", "says"),
    [
        ("quality_voices.py", ["--ablation", "cache"], "expected two recordings or more"),
        ("quality.py", ["film.mp4"], "expected VIDEO TRUTH [RTTM]"),
        ("quality.py", ["film.mp4", "nowhere.json"], "expected a file such as film.truth.json"),
        ("quality.py", ["film.mp4", "nowhere.json", "--set", "scenes.treshold=1"], "did you mean 'threshold'?"),
        ("compose.py", ["--from", "film.mp4", "nowhere.json"], "expected a file such as film.truth.json"),
        ("quality_voices.py", ["nonsense"], "expected as in film.mp4=film.rttm"),
        ("quality_speaking.py", ["non", "sense", "--cache", "cache"], "expected as in film.mp4=film.truth.json"),
        ("quality_speaking.py", ["film.mp4=nowhere.json", "--cache", "cache"], "expected two or more"),
        ("quality_voices.py", ["."], "has no .wav that one of its .rttm files names"),
    ],
)
def test_a_mistake_is_one_line_with_exit_code_2(run, script, args, says):
    code, out, err = run(script, *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
