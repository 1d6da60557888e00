"""Every parameter of every step as data: for forms, tables and the command line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from vidlib.params import Frozen
from vidlib.steps import PARAMS

UNITS = {"_s": "s", "_px": "px"}
"""Units by the end of a parameter's name: seconds, and pixels of the video."""

Kind = Literal["choice", "int", "float", "bool", "text"]


@dataclass(frozen=True)
class ParamInfo:
    """One parameter: what it means, which values it takes, and the ``value`` in force.

    A number is between ``low`` and ``high``; ``exclusive`` says that it may be neither of them. A text fits
    ``pattern``, if there is one. ``unit`` is ``s``, ``px`` or empty.
    """

    step: str
    name: str
    kind: Kind
    help: str
    default: Any
    value: Any
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    exclusive: bool = False
    unit: str = ""
    pattern: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the value in force is not the default."""
        return bool(self.value != self.default)

    @property
    def range(self) -> str:
        """The allowed values in words; empty for free text."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is None or self.high is None:
            return ""
        limits = f"above {self.low}, below {self.high}" if self.exclusive else f"{self.low} to {self.high}"
        return f"{limits} {self.unit}".rstrip()


def list_params(values: Mapping[str, Frozen] | None = None) -> list[ParamInfo]:
    """Every parameter in the order of the steps, with its value in ``values`` (see `ParamSet.of`; None: defaults)."""
    return [info for step in PARAMS for info in _of_step(step, values[step] if values else None)]


def _of_step(step: str, values: Frozen | None) -> Iterator[ParamInfo]:
    for name, field in PARAMS[step].model_fields.items():
        value = field.default if values is None else getattr(values, name)
        unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
        about = {"help": field.description or "", "default": field.default, "value": value, "unit": unit}
        yield ParamInfo(step, name, _kind(field), **about, **_allowed(field))


def _kind(field: FieldInfo) -> Kind:
    if get_origin(field.annotation) is Literal:
        return "choice"
    kinds: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return kinds.get(field.annotation, "text")


def _allowed(field: FieldInfo) -> dict[str, Any]:
    """The allowed values of a parameter, as fields of `ParamInfo`."""
    found: dict[str, Any] = {}
    if get_origin(field.annotation) is Literal:
        found["choices"] = tuple(map(str, get_args(field.annotation)))
    for limit in field.metadata:
        match limit:
            case Ge(ge=low) | Gt(gt=low):
                found["low"] = low
            case Le(le=high) | Lt(lt=high):
                found["high"] = high
        if isinstance(limit, Gt | Lt):
            found["exclusive"] = True
        found |= {"pattern": pattern} if (pattern := getattr(limit, "pattern", None)) else {}
    return found
