"""Parameters: read YAML profiles and ``step.name=value`` into typed, frozen models that refuse unknown names."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vidlib.errors import ParamError, UnknownName, did_you_mean, expectation

Values = dict[str, dict[str, Any]]
"""``{step: {parameter: value}}``."""

Layer = tuple[str, str | None, Values]
"""The origin of values (for messages), the pattern of the projects that they are for (None: all), and the values."""

PROJECTS = "projects"
"""The key of a profile that holds values for single projects, by patterns of project names."""

DESCRIPTION = "description"
"""The key of a profile that says in a sentence what the profile changes."""


class Frozen(BaseModel):
    """An immutable value object. It refuses unknown fields, and numbers that JSON does not have (NaN, infinity)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Profile:
    """A profile: its name, a sentence on what it changes (empty: none was given), and its values."""

    name: str
    description: str
    values: Values


@dataclass(frozen=True)
class ParamSet:
    """The parameters of a run, for all projects and for single ones: of the ``layers``, later ones win.

    ``models`` maps each step to its ``Params``, which hold the defaults.
    """

    models: Mapping[str, type[Frozen]]
    layers: Sequence[Layer] = ()

    def for_project(self, project: str | None = None) -> dict[str, Frozen]:
        """The values in force for a project, or for a project without values of its own.

        Raises ParamError, which names file and key, for an unknown step or parameter, or a value out of range.
        """
        values: Values = {step: {} for step in self.models}
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
    """Read profiles and ``step.name=value`` overrides.

    Overrides win over the values of single projects, and these win over the other values of profiles. Raises ParamError
    for a mistake in any of them, even in values of a project that does not exist yet.
    """
    contents = [(str(path), read_profile(path)) for path in profiles]
    layers: list[Layer] = [(origin, None, _without_projects(profile)) for origin, profile in contents]
    layers += [
        (f"{origin}: {PROJECTS}: {pattern}", pattern, _parse_layer(origin, given))
        for origin, profile in contents
        for pattern, given in profile.get(PROJECTS, {}).items()
    ]
    layers += [(f"--set {text}", None, parse_override(text)) for text in overrides]
    _check_layers(models, layers)
    return ParamSet(models, layers)


def _check_layers(models: Mapping[str, type[Frozen]], layers: Sequence[Layer]) -> None:
    ParamSet(models, [layer for layer in layers if layer[1] is None]).for_project()
    for origin, pattern, values in layers:
        if pattern is not None:
            ParamSet(models, [(origin, None, values)]).for_project()


def find_profile(name: str, folder: Path) -> Path:
    """The profile with this name: the path of a YAML file, or the name of a profile in ``folder``.

    Raises UnknownName, with the known names, if there is none.
    """
    if (path := Path(name)).is_file():
        return path
    if (path := folder / f"{name}.yaml").is_file():
        return path
    raise UnknownName(f"a file, nor a profile in {folder}", name, [known.stem for known in folder.glob("*.yaml")])


def profiles(folder: Path) -> list[Profile]:
    """The profiles in ``folder``, ``default`` first; those that cannot be read are left out."""
    found = []
    for path in folder.glob("*.yaml"):
        with suppress(ParamError):
            found.append(Profile(path.stem, str((_read_yaml(path) or {}).get(DESCRIPTION, "")), read_profile(path)))
    return sorted(found, key=lambda profile: (profile.name != "default", profile.name))


def read_profile(path: Path) -> Values:
    """The values in a YAML file; an empty file has none. Raises ParamError for a file that is not a profile."""
    return _parse_layer(str(path), _without_description(str(path), _read_yaml(path)))


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamError(f"{path}: not a readable profile: {' '.join(str(error).split())}") from error


def _without_description(origin: str, profile: Any) -> Any:
    if not isinstance(profile, dict):
        return profile
    if not isinstance(text := profile.get(DESCRIPTION, ""), str):
        raise ParamError(f"{origin}: {DESCRIPTION}: expected a sentence, got {text!r}")
    return {step: values for step, values in profile.items() if step != DESCRIPTION}


def _parse_layer(origin: str, given: Any) -> Values:
    layer = given or {}
    if not isinstance(layer, dict) or not all(isinstance(values, dict | None) for values in layer.values()):
        raise ParamError(f"{origin}: expected lines 'step:', each with indented lines 'parameter: value' below it")
    return {str(step): values or {} for step, values in layer.items()}


def _without_projects(profile: Values) -> Values:
    return {step: values for step, values in profile.items() if step != PROJECTS}


def parse_override(text: str) -> Values:
    """The value in one ``step.name=value``, read as YAML.

    >>> parse_override("scenes.threshold=0.4")
    {'scenes': {'threshold': 0.4}}
    """
    key, equals, value = text.partition("=")
    step, dot, name = key.strip().partition(".")
    if not (equals and dot and step and name):
        raise ParamError(f"--set {text}: expected step.parameter=value, such as scenes.threshold=0.4")
    try:
        return {step: {name: yaml.safe_load(value)}}
    except yaml.YAMLError as error:
        raise ParamError(f"--set {text}: expected a YAML value behind '=', got {value!r}") from error


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
        problems = "; ".join(
            f"{step}.{'.'.join(map(str, problem['loc']))} = {problem['input']!r}: {expectation(problem['msg'])}"
            for problem in error.errors()
        )
        raise ParamError(f"{origin}: {problems}") from error
