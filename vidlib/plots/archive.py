"""A figure of an archive's contents: the largest files, and the share of video."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from vidlib.media.suffixes import VIDEO_SUFFIXES
from vidlib.plots import style
from vidlib.text import format_bytes

SHOWN = 20
NAME_CHARS = 48
KINDS = {"video": style.ACCENT, "sound": "#228833", "picture": "#ccbb44", "other": style.NOBODY}
SUFFIXES: Mapping[str, str] = {
    **dict.fromkeys(VIDEO_SUFFIXES, "video"),
    **dict.fromkeys((".wav", ".mp3", ".aac", ".m4a", ".aif", ".aiff", ".flac", ".ogg"), "sound"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".psd", ".gif", ".exr"), "picture"),
}
"""Kind by suffix, only for the colour; `vidlib.media.probe` determines what a file really is."""


@style.styled
def largest_files(files: Sequence[Path], folder: Path) -> Figure:
    """A bar for each of the `SHOWN` largest ``files`` (all in ``folder``), largest first, coloured by kind."""
    sizes = {path: path.stat().st_size for path in files}
    shown = sorted(files, key=sizes.__getitem__, reverse=True)[:SHOWN]
    names = [_short(str(path.relative_to(folder))) for path in shown]
    kinds = [SUFFIXES.get(path.suffix.lower(), "other") for path in shown]

    fig, ax = style.figure(10, 0.9 + 0.26 * len(shown), left_in=style.label_margin(names))
    ax.barh(range(len(shown)), [sizes[path] for path in shown], color=[KINDS[kind] for kind in kinds], height=0.7)
    ax.set_yticks(range(len(shown)), names)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    for row, path in enumerate(shown):
        ax.annotate(
            format_bytes(sizes[path]), (sizes[path], row), (4, 0), textcoords="offset points", va="center", size=8
        )
    ax.set_xlim(0, 1.12 * max(1, *sizes.values()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_bytes(value)))
    ax.set_xlabel("size")
    ax.set_title(_title(len(files), len(shown), sum(sizes.values())))
    handles = [Patch(color=KINDS[kind], label=kind) for kind in KINDS if kind in kinds]
    ax.legend(handles=handles, loc="lower right", frameon=False, fontsize=8)
    return fig


def _title(n_files: int, n_shown: int, n_bytes: int) -> str:
    title = f"{n_files} file{'s' * (n_files != 1)}, {format_bytes(n_bytes)}"
    return title if n_shown == n_files else f"{title}; the {n_shown} largest"


def _short(name: str) -> str:
    """The end of a long name, because the end distinguishes files."""
    return name if len(name) <= NAME_CHARS else f"…{name[1 - NAME_CHARS :]}"
