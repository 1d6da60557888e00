"""Parameters: from YAML profiles and ``step.name=value`` to typed, frozen models that refuse what they do not know."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vidlib.errors import ParamError, UnknownName, did_you_mean


class Frozen(BaseModel):
    """A value object: nothing may be added, nothing changes, every number is finite (JSON knows no other)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def load_params(
    models: Mapping[str, type[Frozen]], profiles: Iterable[Path] = (), overrides: Iterable[str] = ()
) -> dict[str, Frozen]:
    """The parameters of every step in ``models``: defaults, then each profile, then each ``step.name=value``.

    Raises ParamError, naming file and key, for a step or parameter that does not exist or a value out of range.
    """
    layers = [(str(path), read_profile(path)) for path in profiles]
    layers += [(f"--set {text}", parse_override(text)) for text in overrides]
    values: dict[str, dict[str, Any]] = {step: {} for step in models}
    for origin, layer in layers:
        for step, given in layer.items():
            _check_names(origin, step, given, models)
            values[step] |= given
            _build(origin, step, values[step], models[step])
    return {step: _build("defaults", step, values[step], models[step]) for step in models}


def find_profile(name: str, folder: Path) -> Path:
    """The profile called ``name``: a path to a YAML file, or the name of one in ``folder``."""
    if (path := Path(name)).is_file():
        return path
    if (path := folder / f"{name}.yaml").is_file():
        return path
    raise UnknownName(f"a file, nor a profile in {folder}", name, [known.stem for known in folder.glob("*.yaml")])


def read_profile(path: Path) -> dict[str, dict[str, Any]]:
    """``{step: {parameter: value}}`` as a YAML file says; an empty file says nothing."""
    try:
        layer = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamError(f"{path}: not a readable profile: {' '.join(str(error).split())}") from error
    if not isinstance(layer, dict) or not all(isinstance(given, dict | None) for given in layer.values()):
        raise ParamError(f"{path}: a profile is 'step:' with indented 'parameter: value' lines below it")
    return {str(step): given or {} for step, given in layer.items()}


def parse_override(text: str) -> dict[str, dict[str, Any]]:
    """What one ``step.name=value`` says; the value is read as YAML.

    >>> parse_override("scenes.threshold=0.4")
    {'scenes': {'threshold': 0.4}}
    """
    key, equals, value = text.partition("=")
    step, dot, name = key.strip().partition(".")
    if not (equals and dot and step and name):
        raise ParamError(f"--set {text}: expected step.parameter=value, for example scenes.threshold=0.4")
    try:
        return {step: {name: yaml.safe_load(value)}}
    except yaml.YAMLError as error:
        raise ParamError(f"--set {text}: {value!r} is not a YAML value") from error


def _check_names(origin: str, step: str, given: Mapping[str, Any], models: Mapping[str, type[Frozen]]) -> None:
    if step not in models:
        raise ParamError(f"{origin}: {step!r} is not a step;{did_you_mean(step, models)} known: {', '.join(models)}")
    known = models[step].model_fields
    for name in map(str, given):
        if name not in known:
            hint = did_you_mean(name, known) or f" known: {', '.join(known) or 'none'}"
            raise ParamError(f"{origin}: {step}.{name} is not a parameter of {step!r};{hint}")


def _build(origin: str, step: str, values: dict[str, Any], model: type[Frozen]) -> Frozen:
    try:
        return model(**values)
    except ValidationError as error:
        problems = (f"{step}.{'.'.join(map(str, p['loc']))} = {p['input']!r}: {p['msg']}" for p in error.errors())
        raise ParamError(f"{origin}: {'; '.join(problems)}") from error
