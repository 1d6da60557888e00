"""Whether the cast is on: somebody has to state what it is for, what permits it, and how long it keeps data."""

from vidlib.errors import UsageError
from vidlib.settings import Settings, variable_name

REQUIRED = {
    "cast_purpose": "what people are recognized for",
    "cast_legal_basis": "what permits it, such as the consent of each person",
    "cast_retention_days": "the days after which faces and voices are erased",
}
"""The settings that switch the cast on, and what each of them states."""


def missing(settings: Settings) -> list[str]:
    """The settings of `REQUIRED` that are not set, blank texts included."""
    return [name for name in REQUIRED if not str(getattr(settings, name) or "").strip()]


def check(settings: Settings) -> None:
    """Raise UsageError, with the settings that are missing, where the cast is off."""
    if names := missing(settings):
        needed = "; ".join(f"{variable_name(name)} to {REQUIRED[name]}" for name in names)
        raise UsageError(
            f"the cast is off. Before people are recognized across videos, set {needed}. See docs/privacy.md"
        )
