"""What operators decide before a run: the form of the parameters, the plan, and the command that follows."""

import json

import pytest

from tests import sample_media
from vidlib.dashboard import inbox
from vidlib.dashboard.before_run import Choice
from vidlib.dashboard.pages import Context
from vidlib.dashboard.work import Work
from vidlib.errors import ParamError, UsageError
from vidlib.localization import Localization


@pytest.fixture
def page(workspace) -> Work:
    return Work(Context(workspace))


def test_a_profile_says_what_it_changes_in_the_language_of_the_page(page, history):
    page.context.words = Localization("fr")
    profiles = {profile["name"]: profile["description"] for profile in page.view(history, {})["profiles"]}
    assert next(iter(profiles)) == "default"
    assert "qualité" in profiles["fast"]


def test_every_parameter_has_what_a_form_needs(page):
    params = {param["key"]: param for param in page.questions["params"](profile="fast")}
    assert json.dumps(list(params.values()))
    crf = params["convert.crf"]
    assert (crf["kind"], crf["low"], crf["high"], crf["default"], crf["value"]) == ("int", 0, 51, 18, 23)
    assert params["scenes.engine"]["choices"]
    assert all(param["help"] for param in params.values())


@pytest.mark.slow
def test_the_plan_says_what_would_run_and_why_and_executes_nothing(page, workspace):
    workspace.inbox.mkdir(parents=True)
    clip = sample_media.silent(workspace.inbox / "clip[1].mp4")
    chosen = {"files": [inbox.key_of(clip)], "profile": "default", "values": {"convert.crf": 20}, "steps": ["scenes"]}
    plan = page.questions["plan"](**chosen, variant="test")
    (video,) = plan["videos"]
    steps = {row["step"]: row for row in video["rows"]}
    assert video["name"] == "clip[1].mp4"
    assert (steps["convert"]["does"], steps["convert"]["reason"]) == ("run", "it has not run for this input yet")
    assert "tracking" not in steps
    assert "variant 'test'" in steps["publish"]["reason"]
    assert plan["counts"]["run"] >= 2
    assert not workspace.work.exists()


def test_a_value_out_of_range_names_the_parameter(page, workspace):
    workspace.inbox.mkdir(parents=True)
    clip = workspace.inbox / "clip.mp4"
    clip.touch()
    with pytest.raises(ParamError, match=r"convert\.crf = 99"):
        page.questions["plan"](files=[inbox.key_of(clip)], values={"convert.crf": 99})


def test_a_plan_of_nothing_asks_for_files(page):
    with pytest.raises(UsageError, match="Select one or more files"):
        page.questions["plan"](files=[])


def test_a_choice_becomes_the_command_of_a_terminal(workspace):
    choice = Choice("fast", {"scenes.threshold": 0.4, "audio.language": "-x"}, ("scenes", "audio"), "test")
    profile, *others = choice.arguments(workspace)
    assert profile.startswith("--params=")
    assert profile.endswith("fast.yaml")
    assert others == [
        "--set=scenes.threshold=0.4",
        '--set=audio.language="-x"',
        "--steps=scenes,audio",
        "--variant=test",
    ]
    assert Choice().arguments(workspace) == []
