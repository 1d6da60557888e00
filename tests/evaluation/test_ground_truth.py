"""Truth files: what is read from them, and what is said of one that is wrong."""

import json
from pathlib import Path

import pytest

from tests import evaluated
from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth
from vidlib.results.exports import rttm
from vidlib.settings import REPOSITORY
from vidlib.timeline import Span, Turn


def test_a_truth_survives_its_file(tmp_path):
    assert ground_truth.read(evaluated.write_truth(tmp_path / "film.truth.json")) == evaluated.TRUTH


def test_the_example_of_the_guide_is_a_truth(tmp_path):
    guide = (REPOSITORY / "docs" / "use" / "evaluate.md").read_text()
    path = tmp_path / "film.truth.json"
    path.write_text(guide.split("```json\n")[1].split("```")[0])
    assert [shot.kind for shot in ground_truth.read(path).shots] == ["close", "broll"]


def test_every_frame_is_in_one_shot_and_one_part():
    moments = list(evaluated.TRUTH.moments())
    assert [moment.frame for moment in moments] == list(range(evaluated.FRAMES))
    assert [moment.number for moment in moments[58:62]] == [0, 0, 1, 1]
    assert [moment.part.audible for moment in moments[98:102]] == ["A", "A", "B", "B"]


def test_frames_of_transitions_and_flashes_are_unclear_and_the_fade_out_before_black_too():
    assert evaluated.TRUTH.unclear() == {20, *range(130, 140), *range(160, 180)}


def test_voices_are_audible_in_whole_clips():
    assert evaluated.TRUTH.turns() == [Turn(0.0, 4.0, "A"), Turn(4.0, 5.2, "B"), Turn(5.2, 6.8, "C")]


def test_shots_end_in_the_middle_of_a_gradual_transition():
    assert evaluated.TRUTH.spans() == [Span(0, 60), Span(60, 135), Span(135, 175), Span(175, 200)]


def test_the_height_of_a_face_is_what_the_truth_says_or_a_share_of_its_panel():
    one = evaluated.face("A", evaluated.LEFT, True)
    assert one.height_px == ground_truth.FACE_OF_PANEL * 300
    assert one.model_copy(update={"face_px": 50.0}).height_px == 50


def changed(tmp_path: Path, *where: str | int, value: object) -> Path:
    """The truth's file with one value replaced, or a key added."""
    document = json.loads(evaluated.TRUTH.model_dump_json(by_alias=True))
    inner = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path = tmp_path / "film.truth.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (["fps"], 30, "fps = 30: Input should be 25"),
        (["frames"], "many", "frames = 'many': Input should be a valid integer"),
        (["shots", 1, "transition"], "wipe", "shots.1.transition = 'wipe': Input should be 'start', 'cut'"),
        (["shots", 1, "full"], 50, "shots.1: 'full' 50 comes before 'start' 60"),
        (["shots", 1, "parts", 1, "from"], 60, "shots.1: 'from' of the parts is [60, 60]"),
        (
            ["shots", 1, "parts", 0, "faces", 0, "panel"],
            [0, 0, 0, 9],
            "shots.1.parts.0.faces.0: a panel is",
        ),
        (["shots", 1, "parts", 0, "faces", 0, "panel"], [0, 0, 9], "shots.1.parts.0.faces.0.panel.3: Field required"),
        (
            ["shots", 0, "parts", 0, "faces", 0, "speking"],
            True,
            "speking is no key of a truth file; did you mean 'speaking'?",
        ),
        (["shots", 3, "start"], 300, "shots.3: 'full' 180 comes before 'start' 300"),
        (["frames"], 150, "shot 3 (from 0) starts at 170 and does not end before frame 150"),
        (["shots"], [], "shots: Tuple should have at least 1 item"),
    ],
)
def test_a_truth_that_is_wrong_names_file_key_and_what_was_expected(tmp_path, where, value, says):
    path = changed(tmp_path, *where, value=value)
    with pytest.raises(UsageError) as raised:
        ground_truth.read(path)
    assert str(raised.value).startswith(str(path))
    assert says in str(raised.value)
    assert "docs/use/evaluate.md" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_truth_that_is_no_json_or_not_there_is_wrong_usage(tmp_path):
    (tmp_path / "film.truth.json").write_text("fps: 25")
    with pytest.raises(UsageError, match="Invalid JSON"):
        ground_truth.read(tmp_path / "film.truth.json")
    with pytest.raises(UsageError, match=r"nowhere.json'.*No such file"):
        ground_truth.read(tmp_path / "nowhere.json")


def test_of_an_rttm_of_several_files_the_one_of_the_film_counts(tmp_path):
    path = tmp_path / "all.rttm"
    path.write_text("SPEAKER one 1 0 1 <NA> <NA> A <NA> <NA>\nSPEAKER two 1 2 1 <NA> <NA> B <NA> <NA>\n")
    assert ground_truth.read_turns(path, "two") == [Turn(2.0, 3.0, "B")]
    with pytest.raises(UsageError, match=r"has no turns of 'film', only of one, two"):
        ground_truth.read_turns(path, "film")


def test_an_rttm_of_one_file_counts_whatever_that_is_called(tmp_path):
    path = rttm.write(tmp_path / "voices.rttm", evaluated.TURNS, "other")
    assert ground_truth.read_turns(path, "film") == evaluated.TURNS


def test_an_rttm_that_is_wrong_names_its_line(tmp_path):
    path = tmp_path / "film.rttm"
    path.write_text("SPEAKER film 1 0 later <NA> <NA> A <NA> <NA>\n")
    with pytest.raises(UsageError, match="line 1"):
        ground_truth.read_turns(path, "film")
    with pytest.raises(UsageError, match="No such file"):
        ground_truth.read_turns(tmp_path / "nowhere.rttm", "film")
