"""The figure of the report: shots, voices and faces of one video on one time axis."""

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
SHOT_IN, VOICE_IN, FACE_IN = 0.34, 0.22, 0.2  # height of one row
FACES_IN = 9.0  # all faces together at most, so that the figure of a long film still fits on a page
LEGIBLE_IN = 0.105  # the lowest row that a label fits to
MANY_SHOTS = 60  # from here on, lines between shots are finer
FILLED = 0.8  # part of a row's height that its bars take
PALE = 0.3  # opacity of a face that is seen and silent

Period = tuple[float, float]
"""From when to when, in seconds."""


@dataclass(frozen=True)
class Lane:
    """One row of the timeline: when a voice or face speaks, and when the face is to be seen."""

    name: str
    color: str
    speaking: Sequence[Period]
    seen: Sequence[Period] = ()


def timeline(
    shots: Sequence[tuple[Period, Boundary]] | None,
    voices: Sequence[Lane] | None,
    faces: Sequence[Lane] | None,
    duration_s: float,
) -> Figure:
    """Shots coloured by how they begin, a row for each voice, a row for each face: pale while silent.

    None is a group that is not known. The rows of faces get thinner, and in the end lose their labels, when there are
    many.
    """
    face_in = min(FACE_IN, FACES_IN / max(1, len(faces or ())))
    voices_top = TITLE_IN + SHOT_IN + TITLE_IN
    faces_top = voices_top + VOICE_IN * len(voices or ()) + TITLE_IN
    bottom = faces_top + face_in * len(faces or ()) + 0.05
    left_in = style.beside(lane.name for lane in (*(voices or ()), *(faces or ())))
    fig, ax = style.figure(WIDTH_IN, bottom + LEGEND_IN + TIME_IN, left_in=left_in, top_in=LEGEND_IN, bottom_in=TIME_IN)
    style.time_axis(ax, duration_s)
    ax.set_ylim(bottom, 0)
    ax.grid(visible=False)
    ax.spines[["left"]].set_visible(False)
    for title, top, rows in (("SHOTS", TITLE_IN, shots), ("VOICES", voices_top, voices), ("FACES", faces_top, faces)):
        count = "not known" if rows is None else len(rows) or "none"
        ax.text(0, top - 0.06, f"{title}  {count}", color=style.MUTED, size=8, weight="bold", va="bottom")
    _draw_shots(ax, shots or (), bottom)
    _label_rows(ax, _draw(ax, voices or (), voices_top, VOICE_IN) + _draw(ax, faces or (), faces_top, face_in))
    _legend(fig, {boundary for _, boundary in shots or ()}, faces)
    return fig


def svg(figure: Figure) -> bytes:
    """The figure as an SVG document that depends on no font; the same figure gives the same bytes."""
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


def _draw(ax: Axes, lanes: Sequence[Lane], top: float, row_in: float) -> list[tuple[float, Lane, float]]:
    """Draw a group of rows below ``top``; where each row's middle is, the row, and its height, in inches."""
    rows = []
    for place, lane in enumerate(lanes):
        y = top + place * row_in
        for periods, opacity in ((lane.seen, PALE), (lane.speaking, 1)):
            bars = [(start, stop - start) for start, stop in periods]
            ax.broken_barh(bars, (y, row_in * FILLED), color=lane.color, alpha=opacity, linewidth=0.4)
        rows.append((y + row_in * FILLED / 2, lane, row_in))
    return rows


def _label_rows(ax: Axes, rows: Sequence[tuple[float, Lane, float]]) -> None:
    rows = [row for row in rows if row[2] >= LEGIBLE_IN]
    ax.set_yticks([y for y, _, _ in rows], [lane.name for _, lane, _ in rows])
    ax.tick_params(axis="y", length=0)
    for label, (_, _, row_in) in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontsize(min(8.5, row_in * 72 * 0.75))


def _legend(fig: Figure, boundaries: set[str], faces: Sequence[Lane] | None) -> None:
    entries = [Patch(color=color, label=name) for name, color in style.BOUNDARIES.items() if name in boundaries]
    if faces:
        entries.append(Patch(color=style.INK, alpha=PALE, linewidth=0, label="face, silent"))
        entries.append(Patch(color=style.INK, label="face, speaking"))
    if entries:
        look = {"frameon": False, "fontsize": 8.5, "handlelength": 1.1, "columnspacing": 1.5}
        fig.legend(handles=entries, loc="upper right", ncols=len(entries), borderaxespad=0, **look)
