"""Figures of faces and objects: when each is visible and speaks, its position, the movement of its mouth.

``tracks`` is the tracking table (frames from 1).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from vidlib.plots import style
from vidlib.plots.pictures import Cell, Sheet, boxes_of, draw_boxes, sheet
from vidlib.timeline import FPS, Shot, seconds, spans_from_frames

if TYPE_CHECKING:
    import pandas as pd

ROW_IN = 0.2
TALLEST_IN = 9.0  # a long video has thinner rows
MOST_NAMED = 60  # most rows that have room for labels
STILLS_A_ROW = 3
PALE = 0.35  # opacity of a silent face
FACE = "face_landmarker"

Color = tuple[float, float, float, float]
"""Red, green, blue and opacity, in [0, 1]."""


@style.styled
def timeline(tracks: "pd.DataFrame", shots: Sequence[Shot]) -> Figure:
    """A row for each track in the colour of its speaker, pale while silent; vertical lines are shot boundaries."""
    groups = list(tracks.groupby("track_id"))
    height = min(TALLEST_IN, ROW_IN * max(3, len(groups)))
    names = [_name(rows) for _, rows in groups] if len(groups) <= MOST_NAMED else []
    fig, ax = style.figure(style.TIMELINE_IN, height + 0.8, left_in=style.label_margin(names))
    style.time_axis(ax, float(seconds(shots[-1].span.stop)))
    starts = [float(seconds(shot.span.start)) for shot in shots[1:]]
    lowest = max(3, len(groups)) - 0.5
    ax.vlines(starts, -0.5, lowest, colors=[style.BOUNDARIES[shot.boundary] for shot in shots[1:]], lw=0.8)
    colors = style.speaker_colors(sorted(tracks.speaker.dropna().unique()))
    bars = []
    for row, (_, rows) in enumerate(groups):
        color = colors.get(rows.speaker.iloc[0], style.MUTED)
        bars += _bars(rows.frame.to_numpy(), row, to_rgba(color, PALE))
        bars += _bars(rows.frame[rows.is_speaking].to_numpy(), row, to_rgba(color))
    if bars:
        rows_of_bars, start_s, stop_s, bar_colors = zip(*bars, strict=True)
        ax.hlines(rows_of_bars, start_s, stop_s, colors=bar_colors, lw=0.8 * 72 * height / (lowest + 0.5))
    ax.set_ylim(lowest, -0.5)
    ax.grid(visible=False)
    ax.set_title("Faces and objects, pale while silent")
    ax.set_yticks(range(len(names)), names)
    return fig


def stills(files: Mapping[int, Path], tracks: "pd.DataFrame", width_px: int) -> Sheet:
    """Pictures of one size by frame number (from 0), with the box of each track; a speaking face has a thick box.

    ``width_px`` is the video's width in pixels.
    """
    cells = []
    for number, file in files.items():
        picture = Image.open(file).convert("RGB")
        draw_boxes(picture, boxes_of(tracks, number), picture.width / width_px)
        cells.append(Cell(np.asarray(picture), style.clock(float(seconds(number)))))
    return sheet(cells, STILLS_A_ROW)


@style.styled
def mouths(tracks: "pd.DataFrame", shot: int) -> Figure:
    """The ``jawOpen`` blendshape of each face in a ``shot`` (from 1) over time; shaded while the face speaks."""
    in_shot = tracks[(tracks.shot == shot) & (tracks.source == FACE)]
    groups = list(in_shot.groupby("track_id"))
    fig, axes = style.figure(
        style.TIMELINE_IN, 1.3 * max(1, len(groups)) + 0.6, nrows=max(1, len(groups)), sharex=True, squeeze=False
    )
    colors = style.speaker_colors(sorted(tracks.speaker.dropna().unique()))
    for ax, (_, rows) in zip(axes[:, 0], groups, strict=False):
        time_s = (rows.frame - 1) / float(FPS)
        color = colors.get(rows.speaker.iloc[0], style.MUTED)
        ax.fill_between(time_s, 0, 1, where=rows.is_speaking, color=color, alpha=0.2, lw=0, step="mid")
        ax.plot(time_s, rows.jawOpen, color=color)
        ax.set_ylim(0, max(0.5, float(np.nan_to_num(in_shot.jawOpen.max())) * 1.1))
        ax.set_title(_name(rows))
        ax.set_ylabel("jawOpen, 0 to 1")
    axes[-1, 0].set_xlabel("time (s)")
    return fig


def shots_with_longest_tracks(tracks: "pd.DataFrame", most: int) -> list[int]:
    """The shots (from 1) with the longest tracks, at most ``most``, in order."""
    lengths = tracks.groupby(["shot", "track_id"]).size().groupby("shot").max()
    return sorted(lengths.sort_values(ascending=False, kind="stable").index[:most].tolist())


def busiest_shot(tracks: "pd.DataFrame") -> int:
    """The shot (from 1) with the most rows of faces, preferably one in which a face speaks; 1 without faces."""
    shots = tracks[tracks.source == FACE].groupby("shot").is_speaking.agg(["any", "size"])
    return int(shots.sort_values(["any", "size"]).index[-1]) if len(shots) else 1


def _bars(frames: np.ndarray, row: int, color: Color) -> list[tuple[int, float, float, Color]]:
    """A bar for each run of consecutive ``frames`` (from 1): its row, its start and end in seconds, its colour."""
    return [(row, *span.segment, color) for span in spans_from_frames((frames - 1).tolist())]


def _name(rows: "pd.DataFrame") -> str:
    """``12 SPEAKER_01`` for a face with a speaker, ``13 face`` for a face without one, ``14 bird`` for an object."""
    speaker = rows.speaker.iloc[0]
    return f"{rows.track_id.iloc[0]} {speaker if isinstance(speaker, str) else rows.label.iloc[0]}"
