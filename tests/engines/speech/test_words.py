"""Words of speech: windows without silence, words of tokens, speakers of words, and one real transcription."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib import vault
from vidlib.engines.speech import words
from vidlib.engines.speech import words as transcription
from vidlib.engines.speech.words import windows
from vidlib.engines.speech.words.mel import log_mel
from vidlib.engines.speech.words.vocabulary import Vocabulary
from vidlib.errors import WeightError
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE_RATE
from vidlib.protocols import Diarization
from vidlib.results.exports import words_table
from vidlib.runner.kernels.launcher import Kernel
from vidlib.runner.kernels.notebook import Placement, run_step
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.scheduling.plan import plan_step
from vidlib.settings import load
from vidlib.steps import STEPS
from vidlib.timeline import Segment, Turn, Turns, Word

VOICES = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"
GPL = (
    *("libx264", "libx265", "libpostproc", "librubberband", "libvidstab", "libxvid", "libfftw", "libgsl", "libespeak"),
    *("libreadline", "libcdio", "libsmbclient"),
)
"""Libraries that are GPL. Python's module ``readline`` links libreadline, but no kernel can import it; Python itself,
glibc, OpenSSL and ncurses are not GPL. GCC's libgomp, libgfortran and libstdc++ are, with the exception that lets any
program use them, so they are not in the list."""

FFMPEG = ("libavcodec", "libavdevice", "libavfilter", "libavformat", "libavutil", "libswresample", "libswscale")
"""FFmpeg's libraries: LGPL, unless they were configured with --enable-gpl, as those of Debian and PyAV are."""

MINUTES = np.random.default_rng(0).normal(0, 0.1, 200 * SAMPLE_RATE).astype(np.float32)

speech = st.lists(st.tuples(st.floats(0, 190), st.floats(0.1, 60)), min_size=1, max_size=12).map(
    lambda rows: [Segment(start, min(200.0, start + length)) for start, length in sorted(rows)]
)


@given(speech)
def test_windows_hold_all_speech_and_little_else_and_fit_into_the_network(segments):
    packed = windows.pack(segments, MINUTES)
    pieces = [piece.segment for window in packed for piece in window.pieces]
    assert all(window.duration_s <= windows.MAX_WINDOW_S + 0.01 for window in packed)
    assert pieces == sorted(pieces)
    assert all(a.stop_s <= b.start_s for a, b in pairwise(pieces))
    times = np.arange(0, 200, 0.05)
    heard = np.any([(p.start_s <= times) & (times <= p.stop_s) for p in pieces], axis=0)
    spoken = np.any([(s.start_s <= times) & (times <= s.stop_s) for s in segments], axis=0)
    near = np.any([(s.start_s - 0.71 <= times) & (times <= s.stop_s + 0.71) for s in segments], axis=0)
    assert heard[spoken].all()
    assert near[heard].all()


@given(speech, st.data())
def test_a_word_of_a_window_returns_to_its_time_in_the_video(segments, data):
    window = data.draw(st.sampled_from(windows.pack(segments, MINUTES)))
    piece = data.draw(st.sampled_from(window.pieces))
    at_s = data.draw(st.floats(0, max(0.0, piece.segment.duration_s - 0.1)))
    start_s, stop_s = window.original(piece.offset_s + at_s, piece.offset_s + at_s + 0.1)
    assert start_s == pytest.approx(piece.segment.start_s + at_s, abs=0.05)
    assert piece.segment.start_s <= start_s < stop_s <= piece.segment.stop_s + 1e-9


def test_the_sound_of_a_window_has_silence_between_its_pieces():
    packed = windows.pack([Segment(1, 2), Segment(9, 10)], MINUTES)
    (window,) = packed
    sound = window.sound(MINUTES)
    assert window.duration_s == pytest.approx(2 * 1.6 + windows.PAUSE_S)
    assert (sound[: round(1.6 * SAMPLE_RATE)] == MINUTES[round(0.7 * SAMPLE_RATE) : round(2.3 * SAMPLE_RATE)]).all()
    assert not sound[round(1.61 * SAMPLE_RATE) : round(2.59 * SAMPLE_RATE)].any()


def test_long_speech_is_cut_where_it_is_quietest():
    sound = MINUTES.copy()
    sound[25 * SAMPLE_RATE : round(25.3 * SAMPLE_RATE)] = 0
    first, _ = windows.pack([Segment(0, 40)], sound)
    assert 25 < first.pieces[-1].segment.stop_s < 25.3


def test_a_word_belongs_to_the_turn_it_lies_in_and_is_cut_to_it():
    turns = Turns([Turn(1.0, 2.0, "A"), Turn(1.9, 4.0, "B", 0.8), Turn(2.5, 3.0, "C", 0.9)])
    said = [Word(0.8, 1.2, "a"), Word(1.5, 2.3, "b"), Word(2.6, 2.8, "c"), Word(3.5, 4.2, "d"), Word(9.0, 9.5, "e")]
    assert [(word.start_s, word.stop_s, word.speaker) for word in windows.assign_speakers(said, turns)] == [
        (1.0, 1.2, "A"),
        (1.5, 2.0, "A"),
        (2.6, 2.8, "C"),  # more confident than B, who speaks at the same time
        (3.5, 4.0, "B"),
        (9.0, 9.5, None),
    ]


def byte_tokens(text: str) -> list[str]:
    """Tokens of one byte each, as vocabularies write them: a space is ``Ġ``."""
    others = [byte for byte in range(256) if not (33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255)]
    return [chr(256 + others.index(byte)) if byte in others else chr(byte) for byte in text.encode()]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (" Well, it's 5 p.m.", "en", [" Well,", " it's", " 5", " p.m."]),
        (" C'est l'Élysée ? Oui !", "fr", [" C'est", " l'Élysée ?", " Oui !"]),
        (" Il dit « été ».", "fr", [" Il", " dit", " «été »."]),
        ("你好。", "zh", ["你", "好。"]),
        (" …", "en", [" …"]),
    ],
)
def test_tokens_become_words_with_their_signs(text, language, expected):
    alphabet = sorted(set(byte_tokens(text)))
    vocabulary = Vocabulary([*alphabet, "<|endoftext|>", f"<|{language}|>"])
    tokens = [alphabet.index(token) for token in byte_tokens(text)]
    found = vocabulary.words(tokens, language)
    assert [word.text for word in found] == expected
    assert [word.first for word in found] == [0, *(word.stop for word in found[:-1])]
    assert found[-1].stop == len(tokens)
    assert vocabulary.text(tokens) == text
    assert vocabulary.is_text(tokens[0])
    assert not vocabulary.is_text(len(alphabet))


@pytest.mark.parametrize("name", ["vocabulary.txt", "vocabulary.json"])
def test_a_vocabulary_is_read_in_both_forms(tmp_path, name):
    tokens = ["a", "Ġb", "<|startoftranscript|>", "<|fr|>"]
    text = json.dumps(tokens) if name.endswith("json") else "\n".join(tokens) + "\n"
    (tmp_path / name).write_text(text, encoding="utf-8")
    vocabulary = Vocabulary.read(tmp_path)
    assert (vocabulary.text([0, 1]), vocabulary.has_language("fr"), vocabulary.number("<|fr|>")) == ("a b", True, 3)
    with pytest.raises(WeightError, match=r"no token <\|transcribe\|>"):
        vocabulary.number("<|transcribe|>")
    with pytest.raises(WeightError, match="vocabulary"):
        Vocabulary.read(tmp_path / "empty")


@pytest.mark.parametrize("n_mels", [80, 128])
def test_features_show_the_pitch_and_keep_eight_orders_of_magnitude(n_mels):
    def loudest(hertz):
        features = log_mel(
            0.5 * np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE, dtype=np.float32), n_mels
        )
        assert features.shape == (n_mels, 3000)
        assert features.max() - features.min() == pytest.approx(2.0, abs=0.01)
        assert (features[:, 200:] == features.min()).all()  # the silence after one second
        return int(features[:, 50].argmax())

    bands = [loudest(hertz) for hertz in (200, 1000, 4000)]
    assert bands == sorted(set(bands))


def test_an_operators_own_model_comes_first(models_dir):
    assert vault.fingerprint("whisper") == "absent"
    (models_dir / "whisper").mkdir()
    (models_dir / "whisper/model.bin").write_bytes(b"weights")
    assert words.choose("auto") == "whisper"
    assert words.engine_folder("whisper") == models_dir / "whisper"
    assert len(bytes.fromhex(vault.fingerprint("whisper"))) == 32


class WatchedPool(KernelPool):
    """A pool that knows which files its kernel had mapped at the end of a notebook, before the kernel is replaced."""

    files: frozenset[Path] = frozenset()

    @contextmanager
    def acquire(self, *args: Any, **options: Any) -> Iterator[Kernel]:
        with super().acquire(*args, **options) as kernel:
            yield kernel
            maps = Path(f"/proc/{kernel.pid}/maps").read_text()
            self.files = frozenset(map(Path, re.findall(r"(/[^\n]+\.so[^ \n]*)$", maps, re.MULTILINE)))


@pytest.mark.slow
def test_two_people_are_transcribed_in_a_kernel_without_a_gpl_library(words, tmp_path):
    """The notebook of *audio* with the default engines, in a kernel that has imported all libraries of all steps."""
    sound = ["-f", "lavfi", "-i", "color=s=64x48:r=25:d=20", "-ss", "2", *ffmpeg.input_args(VOICES), "-shortest"]
    commands.run(ffmpeg.command(*sound, "-c:a", "aac", tmp_path / "talk.mp4"), timeout_s=60)
    done = {"convert": SimpleNamespace(video=tmp_path / "talk.mp4", frames=500)}
    step = STEPS["audio"]
    planned = plan_step(step, tmp_path / "talk.mp4", done, step.module.Params(), tmp_path / "work")
    with WatchedPool(1) as pool:
        outputs, _ = run_step(planned, placement=Placement(pool), settings=load(workspace=tmp_path / "workspace"))
        names = {path.name for path in pool.files}
    assert (outputs.transcriber, outputs.language, outputs.n_speakers) == ("whisper-base", "en", 2)
    found = words_table.read(outputs.words)
    said = {who: " ".join(word.text for word in found if word.speaker == who) for who in ("SPEAKER_00", "SPEAKER_01")}
    assert [text for text in said.values() if "originally from Chicago" in text]
    assert all(0 < word.confidence <= 1 for word in found)
    assert any("ctranslate2" in name for name in names) and any("torch" in name for name in names)
    assert sorted(name for name in names if name.startswith(GPL)) == []
    of_ffmpeg = [path for path in pool.files if path.name.startswith(FFMPEG)]
    assert {path.parent.name for path in of_ffmpeg} <= {"opencv_contrib_python_headless.libs"}
    assert not [path for path in of_ffmpeg if b"--enable-gpl" in path.read_bytes()]


@pytest.mark.slow
def test_no_words_are_invented_where_nobody_speaks(words):
    turns = Turns([Turn(0.5, 1.5, "A")])
    silence = np.zeros(2 * SAMPLE_RATE, np.float32)
    assert transcription.transcribe("whisper-base", silence, Diarization(turns, turns.segments)).words == ()
