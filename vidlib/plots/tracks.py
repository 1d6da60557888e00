"""Figures of faces and things: when each is seen and speaks, where they are in the picture, how a mouth moves.

``tracks`` is the tracking table (frames from 1).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vidlib.plots import style
from vidlib.timeline import FPS, Shot, seconds

if TYPE_CHECKING:
    import pandas as pd

WIDTH_IN = 11.5
ROW_IN = 0.2
TALLEST_IN = 9.0  # a long film has thinner rows
MOST_NAMED = 60  # more rows than this cannot be labelled
STILLS_A_ROW = 3
PALE = 0.35  # opacity of a face that is silent
FACE = "face_landmarker"


@style.styled
def timeline(tracks: "pd.DataFrame", shots: Sequence[Shot]) -> Figure:
    """A row for each track: pale where it is seen, full where it speaks, in the colour of its voice; lines are cuts."""
    groups = list(tracks.groupby("track_id"))
    height = min(TALLEST_IN, ROW_IN * max(3, len(groups)))
    fig, ax = style.figure(WIDTH_IN, height + 0.8)
    style.time_axis(ax, float(seconds(shots[-1].span.stop)))
    for shot in shots[1:]:
        ax.axvline(float(seconds(shot.span.start)), color=style.BOUNDARIES[shot.boundary], lw=0.8)
    colors = style.speaker_colors(sorted(tracks.speaker.dropna().unique()))
    for row, (_, rows) in enumerate(groups):
        color = colors.get(rows.speaker.iloc[0], style.MUTED)
        _bars(ax, rows.frame.to_numpy(), row, color, PALE)
        _bars(ax, rows.frame[rows.is_speaking].to_numpy(), row, color, 1)
    ax.set_ylim(max(3, len(groups)) - 0.5, -0.5)
    ax.grid(visible=False)
    ax.set_title("Faces and things: pale where seen, full where speaking")
    named = len(groups) <= MOST_NAMED
    ax.set_yticks(range(len(groups)) if named else [], [_name(rows) for _, rows in groups] if named else [])
    return fig


@style.styled
def stills(pictures: Mapping[int, np.ndarray], tracks: "pd.DataFrame", width_px: int) -> Figure:
    """Pictures by their number (from 0), any size, with the box of each track; ``width_px`` is the video's own width.

    A speaking face has a thick box.
    """
    n_rows = max(1, -(-len(pictures) // STILLS_A_ROW))
    fig, axes = style.figure(WIDTH_IN, 2.4 * n_rows, nrows=n_rows, ncols=STILLS_A_ROW, squeeze=False)
    colors = style.speaker_colors(sorted(tracks.speaker.dropna().unique()))
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (number, picture) in zip(axes.flat, pictures.items(), strict=False):
        ax.imshow(picture)
        ax.set_title(style.clock(float(seconds(number))))
        scale = picture.shape[1] / width_px
        for row in tracks[tracks.frame == number + 1].itertuples():
            _box(ax, row, scale, colors.get(row.speaker, style.PAPER))
    return fig


@style.styled
def mouths(tracks: "pd.DataFrame", shot: int) -> Figure:
    """How far each face of a ``shot`` (from 1) opens its jaw, over time; shaded where it is said to speak."""
    here = tracks[(tracks.shot == shot) & (tracks.source == FACE)]
    groups = list(here.groupby("track_id"))
    fig, axes = style.figure(
        WIDTH_IN, 1.3 * max(1, len(groups)) + 0.6, nrows=max(1, len(groups)), sharex=True, squeeze=False
    )
    colors = style.speaker_colors(sorted(tracks.speaker.dropna().unique()))
    for ax, (_, rows) in zip(axes[:, 0], groups, strict=False):
        time_s = (rows.frame - 1) / float(FPS)
        color = colors.get(rows.speaker.iloc[0], style.MUTED)
        ax.fill_between(time_s, 0, 1, where=rows.is_speaking, color=color, alpha=0.2, lw=0, step="mid")
        ax.plot(time_s, rows.jawOpen, color=color)
        ax.set_ylim(0, max(0.5, float(np.nan_to_num(here.jawOpen.max())) * 1.1))
        ax.set_title(_name(rows))
        ax.set_ylabel("jawOpen, 0 to 1")
    axes[-1, 0].set_xlabel("time (s)")
    return fig


def telling_frames(tracks: "pd.DataFrame", most: int) -> list[int]:
    """Up to ``most`` frames (from 0), in order: the middles of the longest tracks, at most one of each shot."""
    lengths = tracks.groupby(["shot", "track_id"]).frame.agg(["size", "median"]).reset_index()
    longest = lengths.sort_values("size", ascending=False).drop_duplicates("shot").head(most)
    return sorted(int(middle) - 1 for middle in longest["median"])


def busiest_shot(tracks: "pd.DataFrame") -> int:
    """The shot (from 1) with the most rows of faces, one where a face speaks if there is any; 1 without a face."""
    shots = tracks[tracks.source == FACE].groupby("shot").is_speaking.agg(["any", "size"])
    return int(shots.sort_values(["any", "size"]).index[-1]) if len(shots) else 1


def _bars(ax: Axes, frames: np.ndarray, row: int, color: str, alpha: float) -> None:
    """A bar for each run of consecutive ``frames`` (from 1)."""
    for run in np.split(frames, np.nonzero(np.diff(frames) > 1)[0] + 1):
        if len(run):
            start = float(seconds(int(run[0]) - 1))
            ax.barh(row, len(run) / float(FPS), left=start, height=0.8, color=color, alpha=alpha, lw=0)


def _box(ax: Axes, row: object, scale: float, color: str) -> None:
    corner = (row.bbox_xmin * scale, row.bbox_ymin * scale)
    width = 3 if row.is_speaking else 1
    ax.add_patch(Rectangle(corner, row.bbox_width * scale, row.bbox_height * scale, fill=False, color=color, lw=width))
    plate = {"facecolor": style.INK, "alpha": 0.6, "lw": 0, "pad": 1}
    ax.annotate(str(row.track_id), corner, (1, 3), textcoords="offset points", color=color, size=7, bbox=plate)


def _name(rows: "pd.DataFrame") -> str:
    """``12 SPEAKER_01`` for a face with a voice, ``13 face`` for one without, ``14 bird`` for a thing."""
    named = rows[["speaker", "label"]].iloc[0].dropna()
    return f"{rows.track_id.iloc[0]} {named.iloc[0]}"
