"""The profiles in params/: they load, and default.yaml is the truth about the defaults."""

from pathlib import Path

import pytest

from vidlib.params import read_params, read_profile
from vidlib.settings import REPOSITORY
from vidlib.steps import PARAMS

PROFILES = sorted((REPOSITORY / "params").glob("*.yaml"))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_loads_and_changes_something_unless_it_is_the_default_one(profile: Path):
    changed = read_params(PARAMS, [profile]).of() != read_params(PARAMS).of()
    assert changed is (profile.stem != "default")


def test_the_default_profile_names_every_parameter_with_its_default():
    defaults = {step: model().model_dump(mode="json") for step, model in PARAMS.items() if model.model_fields}
    assert read_profile(REPOSITORY / "params" / "default.yaml") == defaults
