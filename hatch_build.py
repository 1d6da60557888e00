"""Copies the notebooks, profiles and dashboards of the checkout into the wheel, see `vidlib.settings.resource`."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("notebooks", "params", "dashboards")


class ResourcesHook(BuildHookInterface):
    """Adds `FOLDERS` to a wheel. An editable installation reads those of the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {folder: f"vidlib/_resources/{folder}" for folder in FOLDERS}
