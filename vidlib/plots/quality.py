"""Figures of results beside the truth: every share at a glance, and where shots were found and where they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.plots import style
from vidlib.timeline import Shot, Span, seconds

if TYPE_CHECKING:
    import pandas as pd

COUNT_IN = 1.6  # margin for a share in figures, and of how many it is one


@style.styled
def shares(table: "pd.DataFrame") -> Figure:
    """Every figure that is a share, 0 to 1, as a bar, in the colour of its part; what is not known has none.

    ``table`` has the columns ``part``, ``measure``, ``subset``, ``value``, ``unit``, ``n``.
    """
    rows = table[(table.unit == "share") & (table.measure != "error rate")]
    colors = dict(zip(rows.part.unique(), style.SPEAKERS, strict=False))
    names = [_name(row) for row in rows.itertuples()]
    fig, ax = style.figure(11, 0.8 + 0.2 * len(rows), left_in=style.beside(names), right_in=COUNT_IN)
    places = range(len(rows))
    ax.barh(places, rows.value.fillna(0), height=0.75, color=rows.part.map(colors))
    for place, row in zip(places, rows.itertuples(), strict=True):
        said = "not known" if row.value != row.value else f"{row.value:.3f}"
        ax.annotate(f"{said}  of {row.n}", (1.01, place), va="center", color=style.MUTED, annotation_clip=False)
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="share that is right", title="Shares, by part")
    ax.set_yticks(places, names)
    ax.grid(visible=False, axis="y")
    return fig


@style.styled
def shots(true: Sequence[Span], found: Sequence[Shot]) -> Figure:
    """The true shots above those that were found, over time."""
    fig, axes = style.figure(11, 1.9, left_in=0.2, nrows=2, sharex=True)
    for ax, name, spans in zip(axes, ("true", "found"), (true, [shot.span for shot in found]), strict=True):
        _draw_band(ax, spans, name)
    style.time_axis(axes[-1], float(seconds(true[-1].stop)))
    return fig


def _draw_band(ax: Axes, spans: Sequence[Span], name: str) -> None:
    """Shots side by side, neighbours in two shades."""
    for number, span in enumerate(spans):
        place = float(seconds(span.start)), float(seconds(len(span)))
        ax.broken_barh([place], (0, 1), color=style.ACCENT, alpha=(0.9, 0.45)[number % 2], lw=0)
    ax.set(title=f"{len(spans)} {name}", ylim=(0, 1), yticks=())
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _name(row: tuple) -> str:
    return f"{row.part}: {row.measure}" + ("" if row.subset == "all" else f" ({row.subset})")
