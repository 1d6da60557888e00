"""The benchmarks of quality as programs: what they judge, and what they say when they cannot."""

import importlib
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import evaluated, sample_media
from vidlib.evaluation.scores import evaluate
from vidlib.results.review import ReviewItem, questions
from vidlib.settings import REPOSITORY
from vidlib.timeline import Shot, Span, Turn, Turns


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
        "quality_people.py",
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


def test_a_picture_of_turns_has_a_row_for_each_person_and_for_each_label_of_nobody(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    program = importlib.import_module("voices_picture")
    true = Turns([Turn(0, 2, "Anna"), Turn(2, 4, "Berta")])
    found = Turns([Turn(0, 2.1, "SPEAKER_00"), Turn(5, 6, "SPEAKER_01")])
    figure = program.picture([program.Heard("meeting", true, found, 8.0)])
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Anna", "Berta", "SPEAKER_01"]
    middles = [path.get_extents().intervaly.mean() for bars in ax.collections for path in bars.get_paths()]
    assert [round(middle) for middle in middles] == [0, 1, 0, 2]


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


def test_variants_of_the_identification_differ_where_faces_have_no_landmarks(monkeypatch):
    """Two people, a quarter of whose views are unclear and have no landmarks."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    people = importlib.import_module("people.variants")
    points = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80.0]])

    def view(person: int, frame: int) -> object:
        embedding = 0.5 * np.eye(128)[person]
        unclear = frame % 4 == 3
        score, by_points = (0.56, 0.8 * embedding + 0.25 * np.eye(128)[2]) if unclear else (0.9, embedding)
        seen = score, points, 10.0, by_points, None if unclear else embedding
        return people.View((0, person), 20 * frame, "AB"[person], *seen)

    cut = people.pieces([view(person, frame) for person in (0, 1) for frame in range(40)], 0)
    assert sum(map(len, cut)) == 80
    errors = {name: people.pair_errors(cut, variant)[0] for name, variant in people.VARIANTS.items()}
    assert errors["now"][:2] == (0, 0)
    assert errors["before: by landmarks, all views alike, 0.5"].missed_s > 0


def test_a_natural_clip_tells_who_is_near_a_label(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    labelled = importlib.import_module("people.labelled")
    faces = {"10": [{"id": "A", "x": 20, "y": 50}, {"id": "back", "x": 80, "y": 50}, {"any": 1}]}
    truth = {"frames": 100, "size": [640, 360], "cuts": [15], "gradual": [[40, 49, "dissolve"]], "faces": faces}
    (tmp_path / "clip.json").write_text(json.dumps(truth))
    clip = labelled.labelled(tmp_path / "clip.mp4")
    assert (clip.kind, clip.shots) == ("clip", [Span(0, 15), Span(15, 44), Span(44, 100)])
    a, back = np.array([108, 160, 148, 200.0]), np.array([492, 160, 532, 200.0])
    assert [clip.named(frame, a) for frame in (0, 10, 15)] == ["A", "A", None]  # a cut lies between 10 and 15
    assert clip.named(10, back) is None


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
        ("quality_people.py", ["cache", "film.mp4"], "expected film.truth.json or film.json beside it"),
    ],
)
def test_a_mistake_is_one_line_with_exit_code_2(run, script, args, says):
    code, out, err = run(script, *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
