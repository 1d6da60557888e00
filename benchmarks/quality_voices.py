"""Diarization error rate of the speech engine, without collar and with overlapping speech counted.

    python benchmarks/quality_voices.py film.mp4=film.rttm meeting.wav=meetings.rttm
    python benchmarks/quality_voices.py meetings/

Each pair is a file with sound and the RTTM that says who speaks in it; in an RTTM of several files, the one whose id is
the file's stem. Of a folder, every .wav is taken that an .rttm in it speaks of. Errors are added up over all files.
Without arguments: the sample that pyannote.audio carries.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from pyannote.core import Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate

from vidlib.engines.speech import Options, open_diarizer
from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation.ground_truth import read_turns
from vidlib.evaluation.voices import annotation
from vidlib.media.audio import SAMPLE_RATE, read_waveform


def main() -> int:
    """Print a line for each file, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="SOUND=RTTM, or a folder of .wav and .rttm")
    parser.add_argument("--engine", default="pyannote", help="default: pyannote")
    given = parser.parse_args()
    try:
        measure(pairs(given.what or [sample()]), given.engine)
    except VidlibError as error:
        print(f"quality_voices: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(chosen: Iterable[tuple[Path, Path]], name: str) -> None:
    """Print the error rate of each file and of all together."""
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    with open_diarizer(name, "cpu", Options()) as engine:
        for sound, truth in chosen:
            reference = annotation(read_turns(truth, sound.stem))
            reference.uri = sound.stem
            waveform, started = read_waveform(sound), time.process_time()
            found = annotation(engine.diarize(waveform).turns)
            used_s, sound_s = time.process_time() - started, len(waveform) / SAMPLE_RATE
            error = metric(reference, found, uem=Timeline([Segment(0, sound_s)]))
            voices = f"{len(found.labels())} of {len(reference.labels())} voices"
            print(f"{sound.name:24} DER {error:.3f}  {voices}  {used_s / sound_s:.3f} CPU s per s", flush=True)
    print(metric.report(display=False).to_string(float_format="%.2f"))


def pairs(given: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    """Each file with sound, and the RTTM that speaks of it; raises UsageError for what is no such pair."""
    for text in given:
        sound, _, truth = text.partition("=")
        if truth:
            yield Path(sound), Path(truth)
        elif Path(text).is_dir():
            yield from in_folder(Path(text))
        else:
            raise UsageError(f"{text!r} is neither SOUND=RTTM nor a folder; expected as in film.mp4=film.rttm")


def in_folder(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Every .wav that an .rttm of the folder speaks of."""
    known = {stem: file for file in sorted(folder.glob("*.rttm")) for stem in load_rttm(file)}
    sounds = [sound for sound in sorted(folder.glob("*.wav")) if sound.stem in known]
    if not sounds:
        raise UsageError(f"{folder} has no .wav that an .rttm in it speaks of")
    return ((sound, known[sound.stem]) for sound in sounds)


def sample() -> str:
    """The pair inside the package pyannote.audio."""
    folder = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio" / "sample"
    return f"{folder}/sample.wav={folder}/sample.rttm"


if __name__ == "__main__":
    sys.exit(main())
