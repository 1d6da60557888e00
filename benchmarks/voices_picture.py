"""A picture of the true turns of recordings, each beside the turns that were found."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.evaluation.voices import speaker_mapping
from vidlib.plots import style
from vidlib.timeline import Turns

ROW_IN = 0.42


class Heard(NamedTuple):
    """A recording of ``length_s``: its ``true`` turns, and those ``found``."""

    name: str
    true: Turns
    found: Turns
    length_s: float


@style.styled
def picture(recordings: Sequence[Heard]) -> Figure:
    """A row for each person and each label of nobody: above what is true, below what was found."""
    rows = [_rows(heard) for heard in recordings]
    fig, axes = style.figure(
        10,
        sum(0.7 + ROW_IN * len(names) for names, _ in rows),
        left_in=style.label_margin(name for names, _ in rows for name in names),
        gap_in=0.65,
        nrows=len(recordings),
        height_ratios=[len(names) for names, _ in rows],
        squeeze=False,
    )
    for ax, heard, (names, found) in zip(axes[:, 0], recordings, rows, strict=True):
        _draw(ax, heard, names, found)
    return fig


def _rows(heard: Heard) -> tuple[list[str], list[str]]:
    """The names of the rows, people and then labels of nobody; and the row of each found turn, by its name."""
    named = speaker_mapping(heard.true, heard.found, heard.length_s)
    names = [*heard.true.speakers, *(label for label in heard.found.speakers if label not in named)]
    return names, [named.get(turn.speaker, turn.speaker) for turn in heard.found]


def _draw(ax: Axes, heard: Heard, names: Sequence[str], found: Sequence[str]) -> None:
    true = [turn.speaker for turn in heard.true]
    for turns, rows, bottom, color in (
        (heard.true, true, -0.4, style.MUTED),
        (heard.found, found, 0.02, style.ACCENT),
    ):
        for turn, name in zip(turns, rows, strict=True):
            row = names.index(name) + bottom
            ax.broken_barh([(turn.start_s, turn.duration_s)], (row, 0.38), color=color, linewidth=0)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_title(f"{heard.name}: true turns grey, found turns blue")
    style.time_axis(ax, heard.length_s)
