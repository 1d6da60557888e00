"""Measure the words of the audio step beside Whisper on the whole file: CPU time, and word error rate.

    python benchmarks/words.py                          # the sample of pyannote.audio, without a reference
    python benchmarks/words.py film.mp4=film.truth.json talk.wav=talk.txt

A reference is a text, or the ground truth of a video made of GRID sentences, whose clips are named after their words.
Whole-file Whisper has the same weights and beam, and hears the file in consecutive windows of 30 s. The time of the
diarization is not counted: the step has its turns anyway.
"""

import argparse
import json
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.quality_voices import sample
from vidlib.engines.speech import Options, open_diarizer
from vidlib.engines.speech.words import TRANSCRIBERS, choose, engine_folder
from vidlib.engines.speech.words.whisper import Whisper
from vidlib.errors import VidlibError, WeightError
from vidlib.media.audio import SAMPLE_RATE, Waveform, read_waveform

WINDOW = 30 * SAMPLE_RATE

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

GRID = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},
    dict(
        zip("z123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
"""The words of a sentence of the GRID corpus, by the letters of its name."""


def main() -> int:
    """Print a line per file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="SOUND=REFERENCE, or SOUND")
    parser.add_argument("--diarizer", default="light", help="engine that finds the turns (default: light)")
    options = parser.parse_args()
    try:
        for text in options.what or [sample().partition("=")[0]]:
            sound, _, truth = text.partition("=")
            measure(Path(sound), reference(Path(truth)) if truth else None, options.diarizer)
    except VidlibError as error:
        print(f"words: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(sound: Path, truth: list[str] | None, diarizer: str) -> None:
    """Print CPU seconds per second of speech, and the word error rate where there is a reference."""
    waveform = read_waveform(sound)
    with open_diarizer(diarizer, "cpu", Options()) as listener:
        speech = listener.diarize(waveform).speech
    speech_s = sum(segment.duration_s for segment in speech)
    name = choose("auto")
    if name is None:
        raise WeightError("the weights for words are not here; download them: vidlib models fetch")
    with TRANSCRIBERS.open(name, "cpu", engine_folder(name)) as whisper:
        assert isinstance(whisper, Whisper)
        ours, our_s = timed(lambda: [word.text for word in whisper.transcribe(waveform, speech).words])
        whole, whole_s = timed(lambda: whole_file(whisper, waveform))
    rates = (
        ""
        if truth is None
        else f"; WER {word_error_rate(truth, ours):.3f}, whole file {word_error_rate(truth, whole):.3f}"
    )
    print(
        f"{sound.name:16} {speech_s:.1f} s of speech in {len(waveform) / SAMPLE_RATE:.1f} s; {name} by turns "
        f"{our_s / speech_s:.3f} CPU s per s, whole file {whole_s / speech_s:.3f}, ratio {our_s / whole_s:.2f}{rates}"
    )


def timed(work: Callable[[], list[str]]) -> tuple[list[str], float]:
    """The words, and the CPU seconds of the second call; the first warms up."""
    work()
    started = time.process_time()
    return work(), time.process_time() - started


def whole_file(whisper: Whisper, waveform: Waveform) -> list[str]:
    """The words that Whisper finds in consecutive windows of 30 s."""
    windows = [waveform[start : start + WINDOW] for start in range(0, len(waveform), WINDOW)]
    return [word for window in windows for word in whisper.text(window).split()]


def reference(path: Path) -> list[str]:
    """The words that are really said, in order."""
    if path.suffix != ".json":
        return path.read_text(encoding="utf-8").split()
    parts = (part for shot in json.loads(path.read_text())["shots"] for part in shot["parts"])
    heard = (face["clip"] for part in parts for face in part["faces"] if face.get("speaking"))
    return [word for clip, _ in groupby(heard) for word in sentence(clip)]


def sentence(clip: str) -> list[str]:
    """
    >>> " ".join(sentence("bbaf2n"))
    'bin blue at f two now'
    """
    return [words.get(letter, letter) for words, letter in zip(GRID, clip, strict=True)]


def normalized(words: Iterable[str]) -> list[str]:
    """Lower case, without accents and signs; digits as words."""
    text = unicodedata.normalize("NFKD", " ".join(words).lower().replace("'", " "))
    text = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text)
    return re.sub(r"[^\w\s]", "", text).split()


def word_error_rate(truth: Iterable[str], found: Iterable[str]) -> float:
    """Substitutions, deletions and insertions per word of the truth.

    >>> word_error_rate(["bin", "blue"], ["bimble"])
    1.0
    """
    right, said = normalized(truth), normalized(found)
    costs = np.arange(len(said) + 1)
    for number, word in enumerate(right, 1):
        replaced = costs[:-1] + [word != other for other in said]
        costs = np.minimum(np.append(number, replaced), costs + 1) if said else costs + 1
        costs = np.minimum.accumulate(costs - np.arange(len(costs))) + np.arange(len(costs))
    return float(costs[-1]) / max(1, len(right))


if __name__ == "__main__":
    sys.exit(main())
