"""The figure of the report: shots, speakers and faces of one video on one time axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from vidlib.plots import style
from vidlib.timeline import Boundary

WIDTH_IN = 11.5
LEGEND_IN, TIME_IN = 0.25, 0.5  # margins above and below
TITLE_IN = 0.34  # above each group of rows
SHOT_IN, SPEAKER_IN, FACE_IN = 0.34, 0.22, 0.2  # height of one row
FACES_IN = 9.0  # height of all faces together at most, so that the figure of a long video fits on a page
LEGIBLE_IN = 0.105  # lowest row that has room for a label
MANY_SHOTS = 60  # number of shots from which on their boundaries are finer
FILLED = 0.8  # part of a row's height that its bars fill
PALE = 0.3  # opacity of a visible, silent face

Period = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True)
class Row:
    """One row of the timeline: the periods in which a speaker or face speaks, and in which the face is visible."""

    name: str
    color: str
    speaking: Sequence[Period]
    seen: Sequence[Period] = ()


def timeline(
    shots: Sequence[tuple[Period, Boundary]] | None,
    speakers: Sequence[Row] | None,
    faces: Sequence[Row] | None,
    duration_s: float,
) -> Figure:
    """Shots in the colour of their boundary, a row for each speaker, a row for each face, which is pale while silent.

    None is an unknown group. Many faces get thinner rows, and finally rows without labels.
    """
    face_in = min(FACE_IN, FACES_IN / max(1, len(faces or ())))
    speakers_top = TITLE_IN + SHOT_IN + TITLE_IN
    faces_top = speakers_top + SPEAKER_IN * len(speakers or ()) + TITLE_IN
    bottom = faces_top + face_in * len(faces or ()) + 0.05
    left_in = style.label_margin(row.name for row in (*(speakers or ()), *(faces or ())))
    fig, ax = style.figure(WIDTH_IN, bottom + LEGEND_IN + TIME_IN, left_in=left_in, top_in=LEGEND_IN, bottom_in=TIME_IN)
    style.time_axis(ax, duration_s)
    ax.set_ylim(bottom, 0)
    ax.grid(visible=False)
    ax.spines[["left"]].set_visible(False)
    for title, top, rows in (
        ("SHOTS", TITLE_IN, shots),
        ("SPEAKERS", speakers_top, speakers),
        ("FACES", faces_top, faces),
    ):
        count = "unknown" if rows is None else len(rows) or "none"
        ax.text(0, top - 0.06, f"{title}  {count}", color=style.MUTED, size=8, weight="bold", va="bottom")
    _draw_shots(ax, shots or (), bottom)
    _label_rows(ax, _draw(ax, speakers or (), speakers_top, SPEAKER_IN) + _draw(ax, faces or (), faces_top, face_in))
    _legend(fig, {boundary for _, boundary in shots or ()}, faces)
    return fig


def svg(figure: Figure) -> bytes:
    """The figure as an SVG document with outlines instead of fonts; equal figures give equal bytes."""
    from io import BytesIO

    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "vidlib"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


def _draw_shots(ax: Axes, shots: Sequence[tuple[Period, Boundary]], bottom: float) -> None:
    spans = [(start, stop - start) for (start, stop), _ in shots]
    colors = [style.BOUNDARIES[boundary] for _, boundary in shots]
    hairline = 0.8 if len(shots) < MANY_SHOTS else 0.4
    ax.broken_barh(spans, (TITLE_IN, SHOT_IN * FILLED), facecolors=colors, edgecolors=style.PAPER, linewidth=hairline)
    ax.vlines([start for start, _ in spans[1:]], TITLE_IN, bottom, color=style.GRID, linewidth=hairline, zorder=0)


def _draw(ax: Axes, group: Sequence[Row], top: float, row_in: float) -> list[tuple[float, Row, float]]:
    """Draw a group of rows below ``top``; return the centre of each row, the row, and its height, in inches."""
    rows = []
    for index, row in enumerate(group):
        y = top + index * row_in
        for periods, opacity in ((row.seen, PALE), (row.speaking, 1)):
            bars = [(start, stop - start) for start, stop in periods]
            ax.broken_barh(bars, (y, row_in * FILLED), color=row.color, alpha=opacity, linewidth=0.4)
        rows.append((y + row_in * FILLED / 2, row, row_in))
    return rows


def _label_rows(ax: Axes, rows: Sequence[tuple[float, Row, float]]) -> None:
    rows = [row for row in rows if row[2] >= LEGIBLE_IN]
    ax.set_yticks([y for y, _, _ in rows], [row.name for _, row, _ in rows])
    ax.tick_params(axis="y", length=0)
    for label, (_, _, row_in) in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontsize(min(8.5, row_in * 72 * 0.75))


def _legend(fig: Figure, boundaries: set[str], faces: Sequence[Row] | None) -> None:
    entries = [Patch(color=color, label=name) for name, color in style.BOUNDARIES.items() if name in boundaries]
    if faces:
        entries.append(Patch(color=style.INK, alpha=PALE, linewidth=0, label="face, silent"))
        entries.append(Patch(color=style.INK, label="face, speaking"))
    if entries:
        look = {"frameon": False, "fontsize": 8.5, "handlelength": 1.1, "columnspacing": 1.5}
        fig.legend(handles=entries, loc="upper right", ncols=len(entries), borderaxespad=0, **look)
