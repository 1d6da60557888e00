"""Diarization error rate of the speech engine, without collar and with overlapping speech counted.

    python benchmarks/quality_speech.py film.mp4=film.rttm meeting.wav=meetings.rttm

Each pair is a file with sound and the RTTM that says who speaks in it; in an RTTM of several files, the one whose id is
the file's stem. Errors are added up over all files. Without arguments: the sample that pyannote.audio carries.
"""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from pyannote.core import Annotation, Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate

from vidlib import media
from vidlib.engines.speech import Diarization, open_diarizer
from vidlib.steps.audio import Params


def main(pairs: list[str]) -> None:
    """Print a line for each pair, and the sum."""
    params = Params()
    chosen = {"threshold": params.threshold, "min_gap_s": params.min_gap_s, "min_turn_s": params.min_turn_s}
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    with open_diarizer("pyannote", "cpu", **chosen) as engine:
        for sound, truth in (map(Path, pair.split("=")) for pair in pairs or [sample()]):
            waveform, started = media.waveform(sound), time.process_time()
            found = annotation(engine.diarize(waveform))
            used_s, sound_s = time.process_time() - started, len(waveform) / media.SAMPLE_RATE
            reference = spoken(truth, sound.stem)
            error = metric(reference, found, uem=Timeline([Segment(0, sound_s)]))
            voices = f"{len(found.labels())} of {len(reference.labels())} voices"
            print(f"{sound.name:24} DER {error:.3f}  {voices}  {used_s / sound_s:.3f} CPU s per s")
    print(metric.report(display=False).to_string(float_format="%.2f"))


def sample() -> str:
    """The pair inside the package pyannote.audio."""
    folder = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio" / "sample"
    return f"{folder}/sample.wav={folder}/sample.rttm"


def annotation(found: Diarization) -> Annotation:
    """The turns in the form that pyannote.metrics compares."""
    turns = Annotation()
    for number, turn in enumerate(found.turns):
        turns[Segment(turn.start_s, turn.stop_s), number] = turn.speaker
    return turns


def spoken(truth: Path, stem: str) -> Annotation:
    """What ``truth`` says of the file called ``stem``, or of its only one."""
    files = load_rttm(truth)
    return files[stem] if len(files) > 1 else next(iter(files.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
