"""Figures of a delivery: the size of each video and of its results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.plots import style

MB, KB = 1e6, 1e3
LEGEND_IN = 2.0  # margin for the legend of results
RESULTS = {
    ".csv": "shots (CSV)",
    "_audio.json": "who speaks (JSON)",
    "_tracking.json": "tracks, reduced (JSON)",
    "_tracking.parquet": "tracks, full (Parquet)",
    ".rttm": "turns (RTTM)",
    ".vtt": "captions (WebVTT)",
}
"""Label of each result, by the part of its name after the video's stem."""


@style.styled
def videos(listing: Mapping[str, Any]) -> Figure:
    """The size in MB of each video in a delivery's listing (``delivery.json``), or ``left out``."""
    delivered = {video["stem"]: _sizes(video)[".mp4"] / MB for video in listing["videos"] if video["delivered"]}
    left_out = [video["stem"] for video in listing["left_out"]]
    names = [*delivered, *left_out]
    fig, ax = _rows(names)
    bars = ax.barh(names, [delivered.get(name, 0) for name in names], color=style.ACCENT, height=0.6)
    labels = [f"{delivered[name]:.1f} MB" if name in delivered else "left out" for name in names]
    for text, name in zip(ax.bar_label(bars, labels, padding=4, fontsize=8), names, strict=True):
        text.set_color(style.INK if name in delivered else style.WARNING)
    ax.margins(x=0.15)
    ax.set_xlabel("25 fps video, MB")
    ax.set_title(f"{len(delivered)} of {len(names)} videos delivered")
    return fig


@style.styled
def results(listing: Mapping[str, Any]) -> Figure:
    """The sizes in kB of the results beside each delivered video, by kind."""
    delivered = [video for video in listing["videos"] if video["delivered"]]
    names, sizes = [video["stem"] for video in delivered], [_sizes(video) for video in delivered]
    fig, ax = _rows(names, right_in=LEGEND_IN)
    left = [0.0] * len(names)
    for (suffix, label), colour in zip(RESULTS.items(), style.SPEAKERS, strict=False):
        if not any(suffix in size for size in sizes):
            continue
        widths = [size.get(suffix, 0) / KB for size in sizes]
        ax.barh(names, widths, left=left, color=colour, height=0.6, label=label)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    ax.set_xlabel("results, kB")
    ax.set_title("Results beside each video")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return fig


def _rows(names: Sequence[str], right_in: float = 0.2) -> tuple[Figure, Axes]:
    """A figure with one row for each name, the first on top."""
    height_in = 0.9 + 0.35 * max(3, len(names))
    fig, ax = style.figure(10, height_in, left_in=style.label_margin(names), right_in=right_in)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    return fig, ax


def _sizes(video: Mapping[str, Any]) -> dict[str, int]:
    """Bytes of each delivered file of one video, by the part of its name after the stem."""
    stem = Path(video["stem"]).name
    return {Path(file["path"]).name.removeprefix(stem): file["size"] for file in video["delivered"]}
