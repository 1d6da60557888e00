"""The player of a video: its results as the material that `vidlib.player` shows."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.api.results import VideoResults, table
from vidlib.results import frames
from vidlib.results.exports import people_json, rttm, shots_json

if TYPE_CHECKING:
    from vidlib.player.material import Material
    from vidlib.player.widget import Player

STEPS = ("convert", "scenes", "audio", "tracking")
"""The steps whose results the player shows."""


def player(results: VideoResults, work: Path) -> "Player":
    """The player of the results of `STEPS`; ``work`` is the folder of finished steps that a server may serve.

    Where no widgets run, its card stands in its place.
    """
    from vidlib.api import pictures
    from vidlib.player.widget import Player

    video = results.needed_file("convert", "video")
    card = partial(pictures.describe, results.name, results.sha256, results)
    return Player(material(results), video, media_path(video, work), static=card)


def media_path(video: Path, work: Path) -> str:
    """The path of ``video`` below ``work`` as an address; empty for a video outside."""
    return video.relative_to(work).as_posix() if video.is_relative_to(work) else ""


def material(results: VideoResults) -> "Material":
    """What the player shows of finished steps; raises BrokenOutput where a file is missing or damaged."""
    from vidlib.player.material import TRACK_COLUMNS, Material

    convert = results.outputs("convert")
    return Material(
        name=results.name,
        frames=convert["frames"],
        width=convert["width"],
        height=convert["height"],
        shots=shots_json.read(results.needed_file("scenes", "shots")),
        turns=rttm.read(results.needed_file("tracking", "turns")),
        tracks=frames.tracks(results.needed_file("tracking", "tracks")).select(TRACK_COLUMNS),
        people=people_json.read(results.needed_file("tracking", "people")),
        words=table(results, "words"),
        review=table(results, "review"),
    )
