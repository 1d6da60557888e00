"""The page of parameters agrees with the steps and the profiles."""

from vidlib.params import profiles
from vidlib.settings import REPOSITORY
from vidlib.steps import PARAMS
from vidlib.steps.param_list import ParamInfo, list_params

PAGE = (REPOSITORY / "docs" / "use" / "parameters.md").read_text()


def parameters_table(step: str) -> str:
    """The table of the parameters of a step, in the form of docs/use/parameters.md."""
    rows = [
        f"| `{step}.{info.name}` | {shown_default(info)} | {shown_range(info)} | {info.help} |"
        for info in list_params()
        if info.step == step
    ]
    return "\n".join(["| parameter | default | range | meaning |", "|---|---|---|---|", *rows])


def shown_default(info: ParamInfo) -> str:
    return f"`{info.default}`" if info.default != "" else "empty"


def shown_range(info: ParamInfo) -> str:
    return ", ".join(f"`{choice}`" for choice in info.choices) or info.range


def test_the_page_lists_every_parameter_with_default_range_and_meaning():
    for step, params in PARAMS.items():
        if params.model_fields:
            assert parameters_table(step) in PAGE, f"replace the table of {step} by:\n\n{parameters_table(step)}"


def test_the_page_names_the_steps_without_parameters():
    without = [step for step, params in PARAMS.items() if not params.model_fields]
    assert f"{', '.join(f'*{step}*' for step in without[:-1])} and *{without[-1]}* have no parameters" in PAGE


def test_the_page_says_what_each_profile_changes():
    for profile in profiles(REPOSITORY / "params"):
        assert f"| `{profile.name}` | {profile.description} |" in PAGE
