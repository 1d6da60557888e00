"""What operators decide before a run: profile, parameters, steps and variant; and the plan that follows from it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vidlib.api.process import overrides, param_set, request_for
from vidlib.dashboard.pages import Context
from vidlib.dashboard.wording import readable
from vidlib.params import Profile, find_profile, profiles
from vidlib.runner import dry_run
from vidlib.runner.dry_run import ForecastRow
from vidlib.settings import Settings
from vidlib.steps.param_list import ParamInfo, list_params

PLANNED_VIDEOS = 100
"""The most videos of a plan on the page."""


@dataclass(frozen=True)
class Choice:
    """A decision for the next run. Empty ``steps`` are all; ``values`` as ``{"scenes.threshold": 0.4}``."""

    profile: str | None = None
    values: Mapping[str, Any] | None = None
    steps: Sequence[str] = ()
    variant: str | None = None

    def arguments(self, settings: Settings) -> list[str]:
        """The arguments of ``vidlib run`` for it."""
        found = [f"--params={find_profile(self.profile, settings.params_dir)}"] if self.profile else []
        found += [f"--set={text}" for text in overrides(self.values)]
        found += [f"--steps={','.join(self.steps)}"] if self.steps else []
        return found + ([f"--variant={self.variant}"] if self.variant else [])


def profiles_json(context: Context) -> list[dict[str, str]]:
    """The profiles to choose from, each with a sentence on what it changes."""
    folder = context.settings.params_dir
    found = _profiles(folder, frozenset((file, file.stat().st_mtime_ns) for file in folder.glob("*.yaml")))
    return [{"name": one.name, "description": context.words.sentence(one.description)} for one in found]


@lru_cache(maxsize=1)
def _profiles(folder: Path, _state: frozenset[tuple[Path, int]]) -> list[Profile]:
    """The profiles in ``folder``, read again once a file there has changed: that takes a while."""
    return profiles(folder)


def params_json(context: Context, profile: str | None) -> list[dict[str, Any]]:
    """Every parameter with its value in a profile, for a form."""
    values = param_set(context.settings, [profile] if profile else [], None).for_project()
    return [_param(context, info) for info in list_params(values)]


def _param(context: Context, info: ParamInfo) -> dict[str, Any]:
    return {
        "key": f"{info.step}.{info.name}",
        "step": info.step,
        "name": info.name,
        "kind": info.kind,
        "help": context.words.sentence(info.help),
        "default": info.default,
        "value": info.value,
        "choices": info.choices,
        "low": info.low,
        "high": info.high,
        "unit": info.unit,
    }


def plan_json(context: Context, paths: Sequence[Path], choice: Choice) -> dict[str, Any]:
    """What a run would do, by video: ``{"seconds": ..., "total": ..., "videos": [{"name", "seconds", "rows"}]}``."""
    profile = [choice.profile] if choice.profile else []
    request = request_for(
        context.settings, paths, profile, choice.values, choice.steps, force=False, variant=choice.variant
    )
    plan = dry_run.plan(request, context.settings)
    videos: dict[str, list[ForecastRow]] = defaultdict(list)
    for row in plan.rows:
        videos[row.video].append(row)
    shown = list(videos.items())[:PLANNED_VIDEOS]
    return {
        "seconds": plan.seconds,
        "total": len(videos),
        "counts": {does: sum(row.does == does for row in plan.rows) for does in ("run", "done", "keep", "unknown")},
        "videos": [{"name": readable(name), "rows": [_planned(context, row) for row in rows]} for name, rows in shown],
    }


def _planned(context: Context, row: ForecastRow) -> dict[str, Any]:
    reason = "" if row.does == "done" else context.translated(row.reason)
    return {"step": row.step, "does": row.does, "reason": reason, "seconds": row.seconds}
