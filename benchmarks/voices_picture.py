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
    """A row for each person and each label of nobody: above what is true, below what was found, under one colour."""
    rows = [_rows(heard) for heard in recordings]
    fig, axes = style.figure(
        10,
        sum(0.7 + ROW_IN * len(names) for names in rows),
        left_in=style.label_margin(name for names in rows for name in names),
        gap_in=0.65,
        nrows=len(recordings),
        height_ratios=[len(names) for names in rows],
        squeeze=False,
    )
    for ax, heard, names in zip(axes[:, 0], recordings, rows, strict=True):
        _draw(ax, heard, names)
    return fig


def _rows(heard: Heard) -> list[str]:
    """The names of the rows: people, then labels of nobody."""
    named = speaker_mapping(heard.true, heard.found, heard.length_s)
    return [*heard.true.speakers, *(label for label in heard.found.speakers if label not in named)]


def _draw(ax: Axes, heard: Heard, names: Sequence[str]) -> None:
    named = speaker_mapping(heard.true, heard.found, heard.length_s)
    for turns, bottom, color in ((heard.true, -0.4, style.MUTED), (heard.found, 0.02, style.ACCENT)):
        for turn in turns:
            row = names.index(named.get(turn.speaker, turn.speaker) if turns is heard.found else turn.speaker)
            ax.broken_barh([(turn.start_s, turn.duration_s)], (row + bottom, 0.38), color=color, linewidth=0)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_title(f"{heard.name}: true turns grey, found turns blue")
    style.time_axis(ax, heard.length_s)
