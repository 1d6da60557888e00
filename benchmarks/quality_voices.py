"""Measure the diarization error rate of a speech engine, without collar and with overlapping speech.

    python benchmarks/quality_voices.py film.mp4=film.rttm meeting.wav=meetings.rttm
    python benchmarks/quality_voices.py meetings/
    python benchmarks/quality_voices.py meetings/ --ablation cache/
    python benchmarks/quality_voices.py dialogues/ --compose material/ --seeds 4 5 6 7

Each pair is a sound file and the RTTM with its true turns. In an RTTM of several files, the turns with the file's stem
as id count. A folder stands for every .wav that one of its .rttm files names. The last figures add up the errors of all
files. The default is the sample of the package pyannote.audio.

--ablation prints what each stage of the engine pyannote is worth, beside plain pyannote.audio (docs/how-we-measure.md).
The networks run once: the folder CACHE keeps their outputs.

--picture draws the turns of each file, beside what is true.

--compose writes dialogues into the folder first: in a studio, an interview, a room far from the microphone, a street,
with music, crosstalk, and a meeting. --domains chooses among these: studio, interview, far, street, music, crosstalk,
meeting. The folder MATERIAL has a folder for each speaker in speakers/, with clean recordings, and
may have noise/ and music/. Seeds 0 to 3 are for choices, those from 4 on for reports, with other speakers and sounds.
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
from voices_picture import Heard, picture

from vidlib.engines.speech import Options, open_diarizer
from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation.ground_truth import read_turns
from vidlib.evaluation.voices import annotation
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.timeline import Turns


def main() -> int:
    """Print a line per file and the sums; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="SOUND=RTTM, or a folder of .wav and .rttm files")
    parser.add_argument("--engine", default="pyannote", help="pyannote (default), light or lemonfox")
    parser.add_argument("--model", default="", help="a pipeline of pyannote in VIDLIB_MODELS_DIR, such as community-1")
    parser.add_argument("--ablation", type=Path, metavar="CACHE", help="compare all variants of the engine pyannote")
    parser.add_argument("--compose", type=Path, metavar="MATERIAL", help="first compose dialogues into the one folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3], help="dialogues of each domain")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw true and found turns: a .png or .webp file")
    parser.add_argument("--domains", nargs="+", metavar="DOMAIN", help="kinds of dialogues (default: all)")
    options = parser.parse_args()
    try:
        if options.compose:
            compose(options.compose, options.seeds, options.domains, options.what)
        files = pairs(options.what or [sample()])
        if options.ablation:
            from ablation.measure import ablation  # imports pyannote.audio

            print(ablation(files, options.ablation))
        else:
            heard = measure(files, options.engine, Options(model=options.model))
            if options.picture:
                picture(heard).savefig(options.picture)
    except VidlibError as error:
        print(f"quality_voices: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(files: Iterable[tuple[Path, Path]], name: str, options: Options) -> list[Heard]:
    """Print the error rate, speakers and CPU time of each file, and the error rate of all; returns the turns."""
    metric, heard = DiarizationErrorRate(collar=0.0, skip_overlap=False), []
    with open_diarizer(name, "cpu", options) as engine:
        for sound, truth in files:
            true = Turns(read_turns(truth, sound.stem))
            reference = annotation(true)
            reference.uri = sound.stem
            waveform, started = read_waveform(sound), time.process_time()
            turns = engine.diarize(waveform).turns
            hypothesis = annotation(turns)
            used_s, sound_s = time.process_time() - started, len(waveform) / SAMPLE_RATE
            error = metric(reference, hypothesis, uem=Timeline([Segment(0, sound_s)]))
            speakers = f"{len(hypothesis.labels())} of {len(reference.labels())} speakers"
            print(f"{sound.name:24} DER {error:.3f}  {speakers}  {used_s / sound_s:.3f} CPU s per s", flush=True)
            heard.append(Heard(sound.stem, true, turns, sound_s))
    print(metric.report(display=False).to_string(float_format="%.2f"))
    return heard


def compose(material: Path, seeds: list[int], domains: list[str] | None, folders: list[str]) -> None:
    """Compose dialogues into the one folder of the command line; raises UsageError for none, several, or a domain."""
    from composing.dialogues import DOMAINS, compose_dialogues

    if len(folders) != 1:
        raise UsageError(f"--compose writes to one folder; {len(folders)} were given")
    if unknown := set(domains or ()) - set(DOMAINS):
        raise UsageError(f"--domains knows {', '.join(DOMAINS)}; not {', '.join(sorted(unknown))}")
    for sound in compose_dialogues(material, seeds, Path(folders[0]), domains or DOMAINS):
        print(sound, flush=True)


def pairs(arguments: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    """Each sound file and its RTTM; raises UsageError for an argument that is neither a pair nor a folder."""
    for text in arguments:
        sound, _, truth = text.partition("=")
        if truth:
            yield Path(sound), Path(truth)
        elif Path(text).is_dir():
            yield from in_folder(Path(text))
        else:
            raise UsageError(f"{text!r} is neither SOUND=RTTM nor a folder; expected as in film.mp4=film.rttm")


def in_folder(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Every .wav that an .rttm of the folder names, with that .rttm."""
    known = {stem: file for file in sorted(folder.glob("*.rttm")) for stem in load_rttm(file)}
    sounds = [sound for sound in sorted(folder.glob("*.wav")) if sound.stem in known]
    if not sounds:
        raise UsageError(f"{folder} has no .wav that one of its .rttm files names by its stem")
    return ((sound, known[sound.stem]) for sound in sounds)


def sample() -> str:
    """The pair in the package pyannote.audio, as an argument."""
    folder = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio" / "sample"
    return f"{folder}/sample.wav={folder}/sample.rttm"


if __name__ == "__main__":
    sys.exit(main())
