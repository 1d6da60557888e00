"""What `Video` and `Workspace` show without the player: frames with boxes, the timeline, and cards for notebooks."""

import base64
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from vidlib.api.results import VideoResults
from vidlib.errors import UsageError
from vidlib.results import summary
from vidlib.results.exports import people_json, rttm, shots_json
from vidlib.timeline import seconds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from jinja2 import Template
    from matplotlib.figure import Figure

    from vidlib.results.summary import ShotRow

KEY_FRAMES = 8
"""Key frames on the card of a video: evenly chosen where the video has more shots."""

CARD = """
{%- set pictures_style = "display: flex; flex-wrap: wrap; gap: 6px; margin: 6px 0" %}
<div style="font-family: sans-serif; max-width: 72em">
<b>{{ name }}</b> <code title="{{ sha256 }}">{{ sha256[:12] }}</code>
<div>{{ facts | join(" · ") or "not analysed yet" }}</div>
<div style="{{ pictures_style }}">
{% for picture in pictures %}
<img src="{{ picture.uri }}" title="{{ picture.title }}" alt="{{ picture.title }}" style="height: 60px">
{% endfor %}
</div>
</div>
"""


def frame(results: VideoResults, number: int, *, overlay: bool) -> "np.ndarray":
    """One frame of the converted video, (height, width, 3) uint8 RGB; see `vidlib.api.Video.frame`."""
    import numpy as np
    from PIL import Image

    from vidlib.media.frames import read_stills
    from vidlib.plots.pictures import boxes_of, draw_boxes

    facts = results.outputs("convert")
    if not 0 <= number < facts["frames"]:
        raise UsageError(f"{results.name} has no frame {number}; expected 0 to {facts['frames'] - 1}")
    video = results.needed_file("convert", "video")
    (pixels,) = read_stills(video, [number], facts["width"], facts["height"])
    if not overlay:
        return np.array(pixels)
    picture = Image.fromarray(pixels)
    draw_boxes(picture, boxes_of(_tracks(results, number), number), 1.0)
    return np.asarray(picture)


def _tracks(results: VideoResults, number: int | None = None) -> "pd.DataFrame":
    """The tracking table as it is stored (frames from 1), or its rows of frame ``number`` (from 0)."""
    import pandas as pd

    rows = None if number is None else [("frame", "==", number + 1)]
    file = results.needed_file("tracking", "tracks")
    return pd.read_parquet(file, columns=list(summary.TRACK_COLUMNS), filters=rows)


def timeline(results: VideoResults) -> "Figure":
    """Shots, speakers and people on one time axis."""
    from vidlib.results.report_html import timeline_figure

    return timeline_figure(
        _shot_rows(results),
        summary.speaker_rows(rttm.read(results.needed_file("tracking", "turns"))),
        summary.person_rows(people_json.read(results.needed_file("tracking", "people")), _tracks(results)),
        float(seconds(results.outputs("convert")["frames"])),
        names=results.outputs("tracking").get("names", {}),
    )


def _shot_rows(results: VideoResults) -> "tuple[ShotRow, ...]":
    return summary.shot_rows(shots_json.read(results.needed_file("scenes", "shots")))


def describe(name: str, sha256: str, results: VideoResults | None) -> str:
    """The card that a cell shows for a video, as HTML, with some key frames; nothing is analysed for it."""
    facts, frames = (_facts(results), _key_frames(results)) if results else ([], [])
    return _template().render(name=name, sha256=sha256, facts=facts, pictures=frames)


def _facts(results: VideoResults) -> list[str]:
    """What the steps counted, in words."""
    from vidlib.api.results import video_row

    row = video_row(results, "")
    shown = {
        "{:.1f} s": row["duration_s"],
        "{} shots": row["n_shots"],
        "{} speakers": row["n_speakers"],
        "{} people": row["n_people"],
        "a face in {:.0%} of the frames": row["face_coverage"],
    }
    return [words.format(value) for words, value in shown.items() if value is not None] or ["some steps are done"]


def _key_frames(results: VideoResults) -> list[dict[str, str]]:
    """Key frames that the tracking step left, at most `KEY_FRAMES`; none where it did not."""
    if not {"scenes", "tracking"} <= results.folders.keys():
        return []
    files = results.outputs("tracking").get("key_frames", ())
    frames = list(zip(_shot_rows(results), files, strict=False))
    step = max(1, -(-len(frames) // KEY_FRAMES))
    return [
        {
            "uri": _data_uri((results.folders["tracking"] / file).read_bytes(), "image/jpeg"),
            "title": f"shot {row.number}, frame {row.frame}",
        }
        for row, file in frames[::step]
    ]


def list_videos(rows: Sequence[dict[str, object]], note: str = "", most: int = 20) -> str:
    """The HTML that a cell shows for a workspace: its first videos, and a ``note`` for people."""
    import pandas as pd

    names = ["video", "project", "duration_s", "n_shots", "n_speakers", "n_people"]
    shown = pd.DataFrame(rows[:most], columns=names)
    more = f"<div>and {len(rows) - most} more</div>" if len(rows) > most else f"<div>{escape(note)}</div>"
    return f"<div><b>{len(rows)} videos</b></div>{shown.to_html(index=False, na_rep='')}{more}"


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@cache
def _template() -> "Template":
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(CARD)
