"""``speech.json``: the turns of one video with their confidence, for analysts and the report.

``{"engine", "duration_s", "turns": [{"start_s", "stop_s", "speaker", "confidence"}], "speaker_stats": {label:
{"total_sec", "share", "turns"}}}``, times in seconds.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vidlib.errors import BrokenOutput
from vidlib.files import write_json
from vidlib.results.exports.audio_json import speaker_stats
from vidlib.timeline import Turn, Turns


def write(path: Path, turns: Sequence[Turn], *, engine: str, duration_s: float) -> Path:
    """Write ``turns`` of a video of ``duration_s`` seconds, and the speaking time of each speaker."""
    stats = {speaker: stats.model_dump() for speaker, stats in speaker_stats(turns).items()}
    rows = [asdict(turn) for turn in turns]
    return write_json(path, {"engine": engine, "duration_s": duration_s, "turns": rows, "speaker_stats": stats})


def read(path: Path) -> Turns:
    """The turns in ``path``, in order; raises BrokenOutput for a file of another form."""
    try:
        return Turns(Turn(**row) for row in json.loads(path.read_bytes())["turns"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is not a speech.json: {error!r}") from error
