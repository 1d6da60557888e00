"""Which face speaks: every one that is to be seen while somebody is heard: speaking.py SHOTS VOICES FACES OUT.json.

A list of ``{"frame", "shot", "face", "speaking", "voices"}``: which face of the frame, and whose voices are heard.
"""

import json
import sys
from bisect import bisect_right
from pathlib import Path


def main(shots: str, voices: str, faces: str, out: str) -> None:
    starts = [start for start, _ in json.loads(Path(shots).read_text())]
    turns = [turn(line) for line in Path(voices).read_text().splitlines()]
    film = json.loads(Path(faces).read_text())
    rows = []
    for frame, seen in enumerate(film["frames"]):
        middle_s = (frame + 0.5) / film["fps"]
        heard = sorted({who for start_s, stop_s, who in turns if start_s <= middle_s < stop_s})
        about = {"frame": frame, "shot": max(1, bisect_right(starts, frame)), "voices": heard}
        rows += [{**about, "face": face, "speaking": bool(heard)} for face in range(len(seen))]
    Path(out).write_text(json.dumps(rows))


def turn(line: str) -> tuple[float, float, str]:
    """Start and stop in seconds, and the speaker, of a line of RTTM."""
    fields = line.split()
    return float(fields[3]), float(fields[3]) + float(fields[4]), fields[7]


if __name__ == "__main__":
    main(*sys.argv[1:])
