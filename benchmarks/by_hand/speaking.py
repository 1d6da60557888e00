"""Call every visible face a speaker while somebody speaks: speaking.py SHOTS VOICES FACES OUT.json.

The output is a list of ``{"frame", "shot", "face", "speaking", "voices"}``: ``face`` is the index of the face in the
frame, ``voices`` the speakers who are heard.
"""

import json
import sys
from bisect import bisect_right
from pathlib import Path


def main(shots: str, voices: str, faces: str, out: str) -> None:
    starts = [start for start, _ in json.loads(Path(shots).read_text())]
    turns = [turn(line) for line in Path(voices).read_text().splitlines()]
    video = json.loads(Path(faces).read_text())
    rows = []
    for frame, detected in enumerate(video["frames"]):
        middle_s = (frame + 0.5) / video["fps"]
        speakers = sorted({speaker for start_s, stop_s, speaker in turns if start_s <= middle_s < stop_s})
        common = {"frame": frame, "shot": max(1, bisect_right(starts, frame)), "voices": speakers}
        rows += [{**common, "face": face, "speaking": bool(speakers)} for face in range(len(detected))]
    Path(out).write_text(json.dumps(rows))


def turn(line: str) -> tuple[float, float, str]:
    """Start and stop in seconds, and the speaker, from a line of RTTM."""
    fields = line.split()
    return float(fields[3]), float(fields[3]) + float(fields[4]), fields[7]


if __name__ == "__main__":
    main(*sys.argv[1:])
