"""Figures of an evaluation: all shares, and the shots of the result below those of the ground truth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.plots import style
from vidlib.timeline import Shot, Span, seconds

if TYPE_CHECKING:
    import pandas as pd

COUNT_IN = 1.6  # margin for the value of a share and its number of cases


@style.styled
def shares(table: "pd.DataFrame") -> Figure:
    """Each share, in [0, 1], as a bar in the colour of its part; an unknown share has no bar.

    ``table`` has the columns ``part``, ``measure``, ``subset``, ``value``, ``unit``, ``n``.
    """
    rows = table[(table.unit == "share") & (table.measure != "error rate")]
    colors = dict(zip(rows.part.unique(), style.SPEAKERS, strict=False))
    names = [_name(row) for row in rows.itertuples()]
    fig, ax = style.figure(11, 0.8 + 0.2 * len(rows), left_in=style.label_margin(names), right_in=COUNT_IN)
    positions = range(len(rows))
    ax.barh(positions, rows.value.fillna(0), height=0.75, color=rows.part.map(colors))
    for position, row in zip(positions, rows.itertuples(), strict=True):
        value = "unknown" if row.value != row.value else f"{row.value:.3f}"
        ax.annotate(f"{value}  of {row.n}", (1.01, position), va="center", color=style.MUTED, annotation_clip=False)
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="share of correct results", title="Shares, by part")
    ax.set_yticks(positions, names)
    ax.grid(visible=False, axis="y")
    return fig


@style.styled
def shots(reference: Sequence[Span], results: Sequence[Shot]) -> Figure:
    """The shots of the ground truth above the detected shots, over time."""
    fig, axes = style.figure(11, 1.9, left_in=0.2, nrows=2, sharex=True)
    for ax, name, spans in zip(axes, ("true", "detected"), (reference, [shot.span for shot in results]), strict=True):
        _draw_band(ax, spans, name)
    style.time_axis(axes[-1], float(seconds(reference[-1].stop)))
    return fig


def _draw_band(ax: Axes, spans: Sequence[Span], name: str) -> None:
    """Draw shots side by side in two alternating shades."""
    for number, span in enumerate(spans):
        bar = float(seconds(span.start)), float(seconds(len(span)))
        ax.broken_barh([bar], (0, 1), color=style.ACCENT, alpha=(0.9, 0.45)[number % 2], lw=0)
    ax.set(title=f"{len(spans)} {name}", ylim=(0, 1), yticks=())
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _name(row: Any) -> str:
    return f"{row.part}: {row.measure}" + ("" if row.subset == "all" else f" ({row.subset})")
