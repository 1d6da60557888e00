"""``speech.json``: the turns of one clip with everything that is known of them, for analysts and the report.

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
from vidlib.timeline import Turn


def write(path: Path, turns: Sequence[Turn], *, engine: str, duration_s: float) -> Path:
    """Write ``turns`` and what each speaker says in all."""
    stats = {speaker: stats.model_dump() for speaker, stats in speaker_stats(turns).items()}
    rows = [asdict(turn) for turn in turns]
    return write_json(path, {"engine": engine, "duration_s": duration_s, "turns": rows, "speaker_stats": stats})


def read(path: Path) -> list[Turn]:
    """The turns in ``path``, in order; raises BrokenOutput where it is no such file."""
    try:
        return [Turn(**row) for row in json.loads(path.read_bytes())["turns"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is no list of turns: {error!r}") from error
