"""The profiles in params/: they load, and default.yaml is the truth about the defaults."""

from pathlib import Path

import pytest

from vidlib.errors import ParamError
from vidlib.params import profiles, read_params, read_profile
from vidlib.settings import REPOSITORY
from vidlib.steps import PARAMS
from vidlib.steps.param_list import list_params

PROFILES = sorted((REPOSITORY / "params").glob("*.yaml"))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_loads_and_changes_something_unless_it_is_the_default_one(profile: Path):
    changed = read_params(PARAMS, [profile]).for_project() != read_params(PARAMS).for_project()
    assert changed is (profile.stem != "default")


def test_the_default_profile_names_every_parameter_with_its_default():
    defaults = {step: model().model_dump(mode="json") for step, model in PARAMS.items() if model.model_fields}
    assert read_profile(REPOSITORY / "params" / "default.yaml") == defaults


def test_profiles_are_listed_with_their_sentence_and_a_wrong_one_is_left_out(tmp_path):
    (tmp_path / "tv.yaml").write_text("description: For television.\nscenes: {threshold: 0.4}\n")
    (tmp_path / "default.yaml").write_text("")
    (tmp_path / "wrong.yaml").write_text("description: [1]\n")
    found = [(profile.name, profile.description, profile.values) for profile in profiles(tmp_path)]
    assert found == [("default", "", {}), ("tv", "For television.", {"scenes": {"threshold": 0.4}})]
    with pytest.raises(ParamError, match="description: expected a sentence, got"):
        read_profile(tmp_path / "wrong.yaml")


def test_parameters_are_listed_with_range_unit_and_the_value_in_force():
    values = read_params(PARAMS, overrides=["scenes.min_shot_s=1.5"]).for_project()
    found = {(info.step, info.name): info for info in list_params(values)}
    shot, device, language = (
        found[key] for key in (("scenes", "min_shot_s"), ("scenes", "device"), ("audio", "language"))
    )
    assert (shot.kind, shot.value, shot.default, shot.changed) == ("float", 1.5, 0.2, True)
    assert (shot.range, shot.low, shot.high, shot.exclusive, shot.unit) == ("0 to 10 s", 0, 10, False, "s")
    assert (device.kind, device.choices, device.changed) == ("choice", ("auto", "cuda", "cpu"), False)
    assert (language.kind, language.pattern, language.range) == ("text", "^[a-z]*$", "")
    assert found["scenes", "threshold"].range == "above 0, below 1"
