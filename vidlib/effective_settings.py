"""The settings in force, each with its value and its source: what ``vidlib settings`` prints."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidlib import env_file
from vidlib.errors import did_you_mean
from vidlib.folder_settings import DERIVED
from vidlib.setting_types import contains_password
from vidlib.settings import SECRETS, Settings, given_values, variable_name

Source = Literal["default", ".env", "environment", "option"]


@dataclass(frozen=True)
class EffectiveSetting:
    """A setting in force: its value as text (None: not set; secrets: ``hidden``) and where the value comes from."""

    name: str
    variable: str
    value: str | None
    source: Source
    description: str


def effective_settings(chosen: Settings, options: Collection[str] = ()) -> list[EffectiveSetting]:
    """Every setting of ``chosen``, for people and programs; ``options`` names those that the command line gave."""
    sources = _sources(chosen.env_file, options)
    return [
        EffectiveSetting(name, variable_name(name), _shown_value(chosen, name), sources[name], field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def unknown_variables(file: Path | None = None) -> dict[str, str]:
    """Variables ``VIDLIB_*`` that are no settings, each with a hint such as `` did you mean 'VIDLIB_WORKSPACE'?``.

    ``file`` is the file ``.env`` that was read.
    """
    known = {env_file.VARIABLE, *map(variable_name, Settings.model_fields)}
    names = {name.upper() for name in (*os.environ, *(env_file.read(file) if file else ()))}
    unknown = {name for name in names if name.startswith("VIDLIB_")} - known
    return {name: did_you_mean(name, known) or " vidlib ignores it" for name in sorted(unknown)}


def _sources(file: Path | None, options: Collection[str]) -> dict[str, Source]:
    """Where each setting comes from."""
    sources: dict[str, Source] = dict.fromkeys(Settings.model_fields, "default")
    files: tuple[tuple[Source, Mapping[str, str]], ...] = (
        (".env", env_file.read(file) if file else {}),
        ("environment", os.environ),
    )
    for source, given in files:
        sources |= dict.fromkeys(given_values(given), source)
    return sources | dict.fromkeys(options, "option")


def _shown_value(chosen: Settings, name: str) -> str | None:
    value = getattr(chosen, DERIVED.get(name, name))
    if value is None:
        return None
    return "hidden" if name in SECRETS or contains_password(str(value)) else str(value)
