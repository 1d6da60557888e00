"""Found shots as a table: what `Workspace.find` and `Workspace.shots` with conditions return."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidlib.results.finding import search, selects
from vidlib.results.finding.query import Condition, condition, parse
from vidlib.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = dict.fromkeys(("shot", "start", "stop", "faces"), "Int32") | dict.fromkeys(
    ("start_s", "stop_s", "duration_s", "smile", "speech_s"), "float64"
)
"""The types of the columns with numbers, also where all of them are missing."""


def find(
    settings: Settings, question: str, limit: int | None = None, others: Sequence[Condition] = ()
) -> "pd.DataFrame":
    """See `vidlib.api.Workspace.find`; ``others`` are conditions that the language has no words for."""
    return table(settings, [*(parse(question) if question or not others else ()), *others], limit)


def table(settings: Settings, conditions: list[Condition], limit: int | None = None) -> "pd.DataFrame":
    """A row for each shot of the archive that fulfils all ``conditions``."""
    import pandas as pd

    answer = search.find(settings.archive, conditions, -1 if limit is None else limit)
    rows = [selects.row(shot) for shot in answer.shots]
    return pd.DataFrame(rows, columns=list(selects.ROW)).astype(NUMBERS)


def conditions_of(
    *,
    silent: bool | None = None,
    faces: int | None = None,
    smile: float | None = None,
    min_s: float | None = None,
    max_s: float | None = None,
    **texts: str | int | None,
) -> list[Condition]:
    """The conditions that arguments of `Workspace.shots` stand for."""
    conditions = [condition(key, ":", str(text)) for key, text in texts.items() if text is not None]
    compared = (("faces", "=", faces), ("smile", ">=", smile), ("len", ">=", min_s), ("len", "<=", max_s))
    conditions += [condition(key, operator, str(value)) for key, operator, value in compared if value is not None]
    return conditions if silent is None else [*conditions, condition("", "", "silent", excluded=not silent)]
