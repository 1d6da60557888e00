"""The page of parameters agrees with the steps: every parameter with its default, range and meaning."""

from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from vidlib.settings import REPOSITORY
from vidlib.steps import PARAMS

PAGE = (REPOSITORY / "docs" / "use" / "parameters.md").read_text()
UNITS = {"_s": " s", "_px": " px"}


def parameters_table(step: str) -> str:
    """The table of the parameters of a step, in the form of docs/use/parameters.md."""
    rows = [
        f"| `{step}.{name}` | {shown_default(field.default)} | {shown_range(name, field)} | {field.description} |"
        for name, field in PARAMS[step].model_fields.items()
    ]
    return "\n".join(["| parameter | default | range | meaning |", "|---|---|---|---|", *rows])


def shown_default(value: Any) -> str:
    return f"`{value}`" if value != "" else "empty"


def shown_range(name: str, field: FieldInfo) -> str:
    """The allowed values: a list, or two limits with their unit; empty for free text."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
    limits = {type(limit): limit for limit in field.metadata}
    if (low := limits.get(annotated_types.Ge)) and (high := limits.get(annotated_types.Le)):
        return f"{low.ge} to {high.le}{unit}"
    if (low := limits.get(annotated_types.Gt)) and (high := limits.get(annotated_types.Lt)):
        return f"above {low.gt}, below {high.lt}{unit}"
    return ""


def test_the_page_lists_every_parameter_with_default_range_and_meaning():
    for step, params in PARAMS.items():
        if params.model_fields:
            assert parameters_table(step) in PAGE, f"replace the table of {step} by:\n\n{parameters_table(step)}"


def test_the_page_names_the_steps_without_parameters():
    without = [step for step, params in PARAMS.items() if not params.model_fields]
    assert f"{', '.join(f'*{step}*' for step in without[:-1])} and *{without[-1]}* have no parameters" in PAGE
