"""Parameters: from YAML profiles and ``step.name=value`` to typed, frozen models that refuse what they do not know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vidlib.errors import ParamError, UnknownName, did_you_mean


class Frozen(BaseModel):
    """A value object: nothing may be added, nothing changes, every number is finite (JSON knows no other)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Layer = tuple[str, str | None, dict[str, dict[str, Any]]]
"""Where values come from (for messages), which projects they are for (a pattern; None: all), the values by step."""

PROJECTS = "projects"
"""The key of a profile below which patterns of project names have values of their own."""


@dataclass(frozen=True)
class ParamSet:
    """What was asked of parameters, for every project and for some: ``layers``, of which later ones win.

    ``models`` are the steps' own ``{step: Params}``, which hold the defaults.
    """

    models: Mapping[str, type[Frozen]]
    layers: Sequence[Layer] = ()

    def of(self, project: str | None = None) -> dict[str, Frozen]:
        """The values in force for a project, or for one that nothing is said of.

        Raises ParamError, naming file and key, for a step or parameter that does not exist or a value out of range.
        """
        values: dict[str, dict[str, Any]] = {step: {} for step in self.models}
        for origin, pattern, layer in self.layers:
            if pattern is None or (project is not None and fnmatchcase(project, pattern)):
                for step, given in layer.items():
                    _check_names(origin, step, given, self.models)
                    values[step] |= given
                    _build(origin, step, values[step], self.models[step])
        return {step: _build("defaults", step, values[step], self.models[step]) for step in self.models}


def read_params(
    models: Mapping[str, type[Frozen]], profiles: Iterable[Path] = (), overrides: Iterable[str] = ()
) -> ParamSet:
    """Parameters from profiles, then from what those say of single projects, then from each ``step.name=value``.

    Raises ParamError for whatever is wrong in any of them, also in what is said of a project that may never come.
    """
    read = [(str(path), read_profile(path)) for path in profiles]
    layers: list[Layer] = [(origin, None, _general(profile)) for origin, profile in read]
    layers += [
        (f"{origin}: {PROJECTS}: {pattern}", pattern, _layer(origin, given))
        for origin, profile in read
        for pattern, given in profile.get(PROJECTS, {}).items()
    ]
    layers += [(f"--set {text}", None, parse_override(text)) for text in overrides]
    ParamSet(models, [layer for layer in layers if layer[1] is None]).of()
    for origin, pattern, layer in layers:
        if pattern is not None:
            ParamSet(models, [(origin, None, layer)]).of()
    return ParamSet(models, layers)


def load_params(
    models: Mapping[str, type[Frozen]], profiles: Iterable[Path] = (), overrides: Iterable[str] = ()
) -> dict[str, Frozen]:
    """The parameters of every step in ``models``: defaults, then each profile, then each ``step.name=value``.

    Raises ParamError as `read_params` does.
    """
    return read_params(models, profiles, overrides).of()


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
        profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamError(f"{path}: not a readable profile: {' '.join(str(error).split())}") from error
    return _layer(str(path), profile)


def _layer(origin: str, given: Any) -> dict[str, dict[str, Any]]:
    layer = given or {}
    if not isinstance(layer, dict) or not all(isinstance(values, dict | None) for values in layer.values()):
        raise ParamError(f"{origin}: a profile is 'step:' with indented 'parameter: value' lines below it")
    return {str(step): values or {} for step, values in layer.items()}


def _general(profile: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {step: given for step, given in profile.items() if step != PROJECTS}


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
