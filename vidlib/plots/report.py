"""The figure of the report: shots, speakers and people of one video on one time axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from vidlib.localization import gettext_noop as _
from vidlib.plots import style
from vidlib.timeline import Boundary

LEGEND_IN, TIME_IN = 0.25, 0.5  # margins above and below
TITLE_IN = 0.34  # above each group of rows
SHOT_IN, ROW_IN = 0.34, 0.22  # height of one row
MOST_ROWS = 20  # rows of a group at most, so that each has its label and the figure fits on a page
MANY_SHOTS = 60  # number of shots from which on their boundaries are finer
FILLED = 0.8  # part of a row's height that its bars fill
PALE = 0.3  # opacity of a visible, silent face

Period = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True)
class Row:
    """One row of the timeline: the periods in which a speaker or person speaks, and in which the person is visible."""

    name: str
    color: str
    speaking: Sequence[Period]
    seen: Sequence[Period] = ()


def timeline(
    shots: Sequence[tuple[Period, Boundary]] | None,
    speakers: Sequence[Row] | None,
    people: Sequence[Row] | None,
    duration_s: float,
    words: Callable[[str], str] = str,
) -> Figure:
    """Shots in the colour of their boundary, a row for each speaker, a row for each person, who is pale while silent.

    None is an unknown group. Of each group the first `MOST_ROWS` are drawn. ``words`` translates the texts.
    """
    speakers_top = TITLE_IN + SHOT_IN + TITLE_IN
    people_top = speakers_top + ROW_IN * len((speakers or ())[:MOST_ROWS]) + TITLE_IN
    bottom = people_top + ROW_IN * len((people or ())[:MOST_ROWS]) + 0.05
    left_in = style.label_margin(row.name for rows in (speakers, people) for row in (rows or ())[:MOST_ROWS])
    fig, ax = style.figure(
        style.TIMELINE_IN, bottom + LEGEND_IN + TIME_IN, left_in=left_in, top_in=LEGEND_IN, bottom_in=TIME_IN
    )
    style.time_axis(ax, duration_s, label=words(_("time (m:ss)")))
    ax.set_ylim(bottom, 0)
    ax.grid(visible=False)
    ax.spines[["left"]].set_visible(False)
    groups = ((_("SHOTS"), TITLE_IN, shots), (_("SPEAKERS"), speakers_top, speakers), (_("PEOPLE"), people_top, people))
    for title, top, rows in groups:
        count = _count(rows, drawn=len(rows or ()) if rows is shots else MOST_ROWS, words=words)
        ax.text(0, top - 0.06, f"{words(title)}  {count}", color=style.MUTED, size=8, weight="bold", va="bottom")
    _draw_shots(ax, shots or (), bottom)
    _label_rows(ax, _draw(ax, speakers or (), speakers_top) + _draw(ax, people or (), people_top))
    _legend(fig, {boundary for _period, boundary in shots or ()}, people, words)
    return fig


def _count(rows: Sequence[object] | None, drawn: int, words: Callable[[str], str]) -> str:
    if rows is None:
        return words(_("unknown"))
    if len(rows) > drawn:
        return words(_("{drawn} of {all}")).format(drawn=drawn, all=len(rows))
    return str(len(rows)) if rows else words(_("none"))


DARK = {style.INK: "#e6e9ee", style.MUTED: "#a3abb7", style.GRID: "#333a44", style.PAPER: "#15181d"}
"""The colours of text, axes and paper in the figure for a dark page."""


_LIGHT = {color: color for color in DARK}


def svg(figure: Figure) -> bytes:
    """The figure as an SVG document with outlines instead of fonts; equal figures give equal bytes.

    Where the reader prefers a dark page, it has the colours of `DARK`.
    """
    from io import BytesIO

    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "vidlib"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    text = buffer.getvalue().decode()
    light = {color: f"--c{number}" for number, color in enumerate(DARK)}
    for color, variable in light.items():
        text = text.replace(color, f"var({variable})")
    rules = [";".join(f"{light[color]}:{shade}" for color, shade in shades.items()) for shades in (_LIGHT, DARK)]
    css = f"svg{{{rules[0]}}}@media screen and (prefers-color-scheme:dark){{svg{{{rules[1]}}}}}"
    return text.replace("<defs>", f'<style type="text/css">{css}</style>\n <defs>', 1).encode()


def _draw_shots(ax: Axes, shots: Sequence[tuple[Period, Boundary]], bottom: float) -> None:
    spans = [(start, stop - start) for (start, stop), _ in shots]
    colors = [style.BOUNDARIES[boundary] for _, boundary in shots]
    hairline = 0.8 if len(shots) < MANY_SHOTS else 0.4
    ax.broken_barh(spans, (TITLE_IN, SHOT_IN * FILLED), facecolors=colors, edgecolors=style.PAPER, linewidth=hairline)
    ax.vlines([start for start, _ in spans[1:]], TITLE_IN, bottom, color=style.GRID, linewidth=hairline, zorder=0)


def _draw(ax: Axes, group: Sequence[Row], top: float) -> list[tuple[float, str]]:
    """Draw a group of rows below ``top``; return the centre of each row in inches, and its name."""
    labels = []
    for index, row in enumerate(group[:MOST_ROWS]):
        y = top + index * ROW_IN
        for periods, opacity in ((row.seen, PALE), (row.speaking, 1)):
            bars = [(start, stop - start) for start, stop in periods]
            ax.broken_barh(bars, (y, ROW_IN * FILLED), color=row.color, alpha=opacity, linewidth=0.4)
        labels.append((y + ROW_IN * FILLED / 2, row.name))
    return labels


def _label_rows(ax: Axes, labels: Sequence[tuple[float, str]]) -> None:
    ax.set_yticks([y for y, _name in labels], [name for _y, name in labels])
    ax.tick_params(axis="y", length=0, labelsize=8.5)


def _legend(fig: Figure, boundaries: set[str], people: Sequence[Row] | None, words: Callable[[str], str]) -> None:
    entries = [Patch(color=color, label=words(name)) for name, color in style.BOUNDARIES.items() if name in boundaries]
    if people:
        entries.append(Patch(color=style.INK, alpha=PALE, linewidth=0, label=words(_("visible, silent"))))
        entries.append(Patch(color=style.INK, label=words(_("speaking"))))
    if entries:
        look = {"frameon": False, "labelcolor": style.INK, "fontsize": 8.5, "handlelength": 1.1, "columnspacing": 1.5}
        fig.legend(handles=entries, loc="upper right", ncols=len(entries), borderaxespad=0, **look)
