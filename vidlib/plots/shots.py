"""Figures of shots: the scores behind them, their lengths, and the frames around a doubtful boundary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from vidlib.plots import style
from vidlib.plots.pictures import Cell, Sheet, sheet
from vidlib.timeline import FPS, Shot, seconds

if TYPE_CHECKING:
    import pandas as pd


@style.styled
def scores(table: "pd.DataFrame", shots: Sequence[Shot], threshold: float) -> Figure:
    """Both scores and the brightness of every frame over time, the threshold, and the resulting boundaries.

    ``table`` has a row per frame with columns ``begins``, ``gradual`` (in [0, 1]) and ``brightness`` (in [0, 255]).
    """
    time_s = np.arange(len(table)) / float(FPS)
    fig, (band, ax, light) = style.figure(11, 4.2, nrows=3, sharex=True, height_ratios=[0.5, 3, 1])
    _draw_band(band, shots)
    ax.fill_between(
        time_s, table.gradual, color=style.BOUNDARIES["dissolve"], alpha=0.35, lw=0, label="in a transition"
    )
    ax.plot(time_s, table.begins, color=style.ACCENT, lw=1, label="a shot begins")
    ax.axhline(threshold, color=style.WARNING, lw=1, ls="--", label=f"threshold {threshold:g}")
    ax.set(ylabel="score", ylim=(0, 1.03))
    ax.legend(loc="lower right", ncols=3, bbox_to_anchor=(1, 0.98))
    light.fill_between(time_s, table.brightness, color=style.MUTED, alpha=0.6, lw=0)
    light.set(ylabel="brightness", ylim=(0, 255), yticks=(0, 128, 255))
    style.time_axis(light, float(seconds(len(table))))
    return fig


def _draw_band(ax: Axes, shots: Sequence[Shot]) -> None:
    """One box for each shot in the colour of its boundary; gradual transitions are darker."""
    for number, shot in enumerate(shots, 1):
        start, length = float(seconds(shot.span.start)), float(seconds(len(shot.span)))
        color = style.BOUNDARIES[shot.boundary]
        ax.broken_barh([(start, length)], (0, 1), color=color, edgecolor=style.PAPER, lw=1.5)
        ax.text(
            start + length / 2,
            0.5,
            str(number),
            color=style.PAPER,
            weight="bold",
            ha="center",
            va="center",
            clip_on=True,
        )
    for span in (shot.transition for shot in shots if shot.transition):
        ax.axvspan(float(seconds(span.start)), float(seconds(span.stop)), color=style.INK, alpha=0.45, lw=0)
    kinds = [kind for kind in style.BOUNDARIES if any(shot.boundary == kind for shot in shots)]
    boxes = [Patch(color=style.BOUNDARIES[kind], label=kind) for kind in kinds]
    ax.legend(handles=boxes, loc="lower right", bbox_to_anchor=(1, 0.9), ncols=len(boxes))
    ax.set(title=f"{len(shots)} shots, coloured by their boundary", ylim=(0, 1), yticks=())
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


@style.styled
def lengths(shots: Sequence[Shot]) -> Figure:
    """The length of each shot in seconds, in order, in the colour of its boundary, and the median."""
    values = [float(seconds(len(shot.span))) for shot in shots]
    fig, ax = style.figure(11, 2.2, top_in=0.1)
    ax.bar(range(1, len(shots) + 1), values, width=0.8, color=[style.BOUNDARIES[shot.boundary] for shot in shots])
    median = float(np.median(values))
    ax.axhline(median, color=style.INK, lw=1, ls=":")
    ax.annotate(f"median {median:.1f} s", (len(shots) + 0.5, median), (-2, 3), textcoords="offset points", ha="right")
    ax.set(xlabel="shot", ylabel="length (s)", xlim=(0.4, len(shots) + 0.6))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(visible=False, axis="x")
    return fig


def filmstrips(stills: Sequence[NDArray[np.uint8]], titles: Sequence[str], captions: Sequence[str]) -> Sheet:
    """Rows of pictures, (height, width, 3) uint8 RGB each: a row for each title, a picture for each caption."""
    cells = map(Cell, stills, list(captions) * len(titles))
    return sheet(list(cells), len(captions), titles)
