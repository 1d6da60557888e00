import json
import math
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from tests.texts import ANY_TEXT
from vidlib.errors import ParamError, UnknownName
from vidlib.params import Frozen, ParamSet, find_profile, read_params


class Scenes(Frozen):
    threshold: float = Field(0.5, ge=0, le=1)
    engine: Literal["fast", "good"] = "good"
    min_frames: int = Field(2, ge=1)


class Audio(Frozen):
    speakers: tuple[str, ...] = ()


MODELS = {"scenes": Scenes, "audio": Audio}


@pytest.fixture
def profile(tmp_path):
    """Writes a profile; what it is given may be anything."""

    def write(text: str):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_without_a_profile_everything_has_its_default():
    assert read_params(MODELS).for_project() == {"scenes": Scenes(), "audio": Audio()}


def test_an_override_wins_over_a_profile_and_a_later_profile_over_an_earlier(profile, tmp_path):
    second = tmp_path / "second.yaml"
    second.write_text("scenes:\n  min_frames: 9\n")
    first = profile("scenes:\n  threshold: 0.1\n  min_frames: 5\n  engine: fast\n")
    params = read_params(MODELS, [first, second], ["scenes.threshold=0.9"]).for_project()
    assert params["scenes"] == Scenes(threshold=0.9, min_frames=9, engine="fast")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "scenes:\n"])
def test_an_empty_profile_changes_nothing(profile, text):
    assert read_params(MODELS, [profile(text)]).for_project() == read_params(MODELS).for_project()


def test_a_misspelt_parameter_is_refused_with_the_file_and_the_nearest_name(profile):
    path = profile("scenes:\n  treshold: 0.4\n")
    with pytest.raises(ParamError) as raised:
        read_params(MODELS, [path]).for_project()
    assert str(raised.value) == (f"{path}: scenes.treshold is not a parameter of 'scenes'; did you mean 'threshold'?")
    assert raised.value.exit_code == 2


def test_a_misspelt_step_is_refused_with_the_nearest_name():
    with pytest.raises(ParamError, match=r"--set scene.threshold=1: 'scene' is not a step; did you mean 'scenes'\?"):
        read_params(MODELS, overrides=["scene.threshold=1"]).for_project()


@pytest.mark.parametrize("value", ["2", "-0.1", "often", "[1]", ".nan", ".inf", ""])
def test_a_value_out_of_range_is_refused_with_its_name_origin_and_expectation(value):
    with pytest.raises(ParamError, match=r"^--set scenes.threshold=.*: scenes.threshold = .*: expected "):
        read_params(MODELS, overrides=[f"scenes.threshold={value}"]).for_project()


@pytest.mark.parametrize(
    "text", ["scenes", "=1", "scenes.threshold", ".threshold=1", "scenes.=1", "scenes.threshold=["]
)
def test_an_invalid_override_is_refused(text):
    with pytest.raises(ParamError, match="--set"):
        read_params(MODELS, overrides=[text]).for_project()


@pytest.mark.parametrize("text", ["- a\n", "scenes: 3\n", "scenes: [\n", "\x00", "{a: b: c}"])
def test_a_file_that_is_not_a_profile_is_refused_by_name(profile, text):
    with pytest.raises(ParamError, match=r"mine\.yaml"):
        read_params(MODELS, [profile(text)]).for_project()


def test_a_profile_runs_no_code(profile, tmp_path):
    with pytest.raises(ParamError, match="not a readable profile"):
        read_params(MODELS, [profile(f"scenes: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")]).for_project()
    assert not (tmp_path / "made").exists()


def test_a_profile_is_found_by_path_or_by_name(profile, tmp_path):
    path = profile("")
    assert find_profile(str(path), tmp_path / "elsewhere") == path
    assert find_profile("mine", tmp_path) == path


def test_an_unknown_profile_is_refused_with_the_known_ones(profile, tmp_path):
    profile("")
    with pytest.raises(UnknownName, match=r"'main' is not a file.*did you mean 'mine'\? known: mine"):
        find_profile("main", tmp_path)


def test_parameters_are_immutable_and_closed():
    with pytest.raises(ValidationError):
        Scenes().threshold = 0.1
    with pytest.raises(ValidationError):
        Scenes(colour="red")


@given(
    threshold=st.floats(0, 1),
    engine=st.sampled_from(["fast", "good"]),
    min_frames=st.integers(1, 10**9),
    speakers=st.lists(ANY_TEXT, max_size=4),
)
def test_parameters_survive_yaml(tmp_path_factory, threshold, engine, min_frames, speakers):
    params = {
        "scenes": Scenes(threshold=threshold, engine=engine, min_frames=min_frames),
        "audio": Audio(speakers=tuple(speakers)),
    }
    path = tmp_path_factory.getbasetemp() / "all.yaml"
    dumped = {name: values.model_dump(mode="json") for name, values in params.items()}
    path.write_text(yaml.safe_dump(dumped, allow_unicode=False), encoding="utf-8")
    assert read_params(MODELS, [path]).for_project() == params


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_every_number_is_finite_whatever_its_range(value):
    class Unbounded(Frozen):
        seconds: float

    with pytest.raises(ValidationError, match="finite"):
        Unbounded(seconds=value)


def test_a_project_whose_name_matches_gets_its_own_values(profile):
    path = profile('scenes: {threshold: 0.4}\nprojects:\n  "News*": {scenes: {threshold: 0.3}}\n  "*": {audio: {}}\n')
    params = read_params(MODELS, [path])
    assert params.for_project("News 12")["scenes"].threshold == 0.3
    assert params.for_project("Film")["scenes"].threshold == params.for_project()["scenes"].threshold == 0.4


def test_an_override_wins_over_the_values_of_a_project(profile):
    path = profile("projects:\n  News: {scenes: {threshold: 0.3}}\n")
    assert read_params(MODELS, [path], ["scenes.threshold=0.9"]).for_project("News")["scenes"].threshold == 0.9


def test_a_mistake_in_the_values_of_a_future_project_is_found_at_once(profile):
    with pytest.raises(ParamError, match=r"projects: News: scenes\.treshold is not a parameter"):
        read_params(MODELS, [profile("projects:\n  News: {scenes: {treshold: 0.3}}\n")])


def test_parameters_survive_the_history(profile):
    path = profile("projects:\n  News: {scenes: {threshold: 0.3}}\n")
    asked = read_params(MODELS, [path], ["scenes.threshold=0.9"])
    kept = ParamSet(MODELS, json.loads(json.dumps(asked.layers)))
    assert kept.for_project("News") == asked.for_project("News")
