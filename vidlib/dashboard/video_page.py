"""The page with the player of one video. ``dashboards/video.ipynb`` calls `open_page`."""

import os
import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from IPython.display import HTML, display

from vidlib import api
from vidlib.api import playing
from vidlib.dashboard.roles import may_change
from vidlib.errors import VidlibError

if TYPE_CHECKING:
    from vidlib.player.widget import Player

STYLE = """<style>
body.jp-Notebook { background: #f4f6f8 !important; }
#rendered_cells { max-width: 1500px; margin: 0 auto !important; padding: 12px !important; background: none !important; }
@media (prefers-color-scheme: dark) { body.jp-Notebook { background: #0d0f12 !important; } }
</style>"""


def open_page() -> "Player | HTML":
    """The player of the video that the address names, as ``?sha256=…``, or a message. Nothing is analysed for it."""
    display(HTML(STYLE))
    (sha256,) = parse_qs(os.environ.get("QUERY_STRING", "")).get("sha256", [""])[:1]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return _message("This address names no video. Open the player from a run on the dashboard.")
    try:
        video = api.open(sha256)
        if not video.has_results(playing.STEPS):
            return _message(f"{video.name} has no results of {', '.join(playing.STEPS)} yet.")
        return playing.player(video, may_correct=may_change())
    except (VidlibError, OSError) as error:
        return _message(str(error))


def _message(text: str) -> HTML:
    return HTML(f"<p role='alert'>{escape(text)}</p>")
