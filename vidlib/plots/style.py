"""The common style of all figures: sizes, colours, and the time axis.

The colours are Paul Tol's "bright" and "muted" schemes (personal.sron.nl/~pault), which colour-blind readers can
distinguish. A meaning has the same colour in every figure.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

DPI = 100

TIMELINE_IN = 11.5
"""Width in inches of a figure with a row for each person or track."""

WIDEST_IN = 4.5
"""Widest margin for labels in inches, so that the figure keeps room for its contents."""

INK = "#2b2f36"  # text and outlines
MUTED = "#8a919c"  # axes, captions, secondary parts
GRID = "#e4e7eb"
PAPER = "#ffffff"
ACCENT = "#4477aa"
WARNING = "#ee6677"  # something to check

BOUNDARIES = {"start": MUTED, "cut": "#4477aa", "dissolve": "#ccbb44", "fade": "#aa3377"}
"""Colour of each boundary at which a shot begins (`vidlib.timeline.Boundary`)."""

SPEAKERS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#44aa99", "#882255", "#999933")
"""Colours of speakers and faces, in the order of their first appearance; they repeat after the ninth."""

NOBODY = "#c8ccd2"
"""Colour of speech and faces without a known speaker."""

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


class Picture(Figure):
    """A figure that a notebook displays as the value of a cell, without pyplot and its global state."""

    def _repr_png_(self) -> bytes:
        """PNG of the figure, as from ``savefig``."""
        canvas, png = FigureCanvasAgg(self), BytesIO()
        canvas.draw()
        opaque = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
        # as small as RGBA at level 6, in a third of the time
        Image.fromarray(opaque).save(png, "png", compress_level=3)
        return png.getvalue()


styled = rc_context(_RC)
"""Decorator for functions that draw, so that their titles, legends and texts have our style."""


@styled
def figure(
    width_in: float,
    height_in: float,
    *,
    left_in: float = 0.65,
    right_in: float = 0.2,
    top_in: float = 0.3,
    bottom_in: float = 0.5,
    gap_in: float = 0.3,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """An empty figure in our style, and its axes: one, or an array according to ``subplots``.

    ``subplots`` are options of ``Figure.subplots``: nrows, sharex, height_ratios, ... Sizes are in inches, at 100
    pixels an inch. The margins and the gap between rows have room for a title, the time axis and a labelled y axis.
    matplotlib's automatic layout measures every text, which takes longer than drawing the figure.
    """
    n_rows = subplots.get("nrows", 1)
    row_in = (height_in - top_in - bottom_in - gap_in * (n_rows - 1)) / n_rows
    fig = Picture(figsize=(width_in, height_in), dpi=DPI)
    fig.subplots_adjust(
        left=left_in / width_in,
        right=1 - right_in / width_in,
        top=1 - top_in / height_in,
        bottom=bottom_in / height_in,
        hspace=gap_in / row_in,
    )
    return fig, fig.subplots(**subplots)


def label_margin(labels: Iterable[str]) -> float:
    """Width in inches of ``labels`` to the left of an axis, at most `WIDEST_IN`."""
    font = FontProperties(family=_RC["font.family"], size=_RC["font.size"])
    longest = max(labels, key=len, default="")
    points, *_ = text_to_path.get_text_width_height_descent(longest, font, ismath=False)
    return min(WIDEST_IN, points / 72 + 0.25)


def speaker_colors(labels: Iterable[str]) -> dict[str, str]:
    """A colour for each label. A label such as ``SPEAKER_03`` has the same colour in every set of labels.

    >>> speaker_colors(["SPEAKER_01"])["SPEAKER_01"] == SPEAKERS[1]
    True
    """
    return {label: SPEAKERS[_number(label, index) % len(SPEAKERS)] for index, label in enumerate(labels)}


def _number(label: str, otherwise: int) -> int:
    digits = label.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else otherwise


def time_axis(ax: Axes, stop_s: float, start_s: float = 0, label: str = "time (m:ss)") -> None:
    """Make the x axis run from ``start_s`` to ``stop_s`` seconds, with ticks such as ``m:ss``."""
    ax.set_xlim(start_s, stop_s)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 1.5, 2, 3, 6, 10], min_n_ticks=2))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda second, _: clock(second)))
    ax.set_xlabel(label)


def clock(second: float) -> str:
    """Format as ``m:ss``, with tenths unless they are zero.

    >>> clock(75), clock(2.5)
    ('1:15', '0:02.5')
    """
    minutes, rest = divmod(round(second, 1), 60)
    return f"{int(minutes)}:{rest:02.0f}" if rest == int(rest) else f"{int(minutes)}:{rest:04.1f}"
