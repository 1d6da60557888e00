"""Whisper in CTranslate2: the words of speech, with their times and the language, on the CPU.

Each window of `pack` is encoded and decoded once, without the text before it, which would let one mistake spread. One
core transcribes a window, several windows are transcribed at once, and the words do not depend on the number of cores.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlib.engines.runtime.pool import Pool, Pooled
from vidlib.engines.speech.words.mel import FRAME_RATE, N_FRAMES, log_mel
from vidlib.engines.speech.words.vocabulary import Vocabulary
from vidlib.engines.speech.words.windows import Window, pack
from vidlib.machine import devices
from vidlib.media.audio import SAMPLE_RATE, Samples, Waveform
from vidlib.progress import Report, quiet
from vidlib.protocols import Transcript
from vidlib.timeline import Segment, Word

if TYPE_CHECKING:
    from ctranslate2 import StorageView

BEAM = 2
"""Hypotheses that are followed at once; five cost half as much again, and read no better."""

MAX_TOKENS = 220
"""Most tokens of a window: ordinary speech has about 4 a second."""

NO_SPEECH = 0.6
"""Probability from which a window has no speech (the default of OpenAI's Whisper); its text is an invention."""

COMPRESSION = 2.4
"""A text that zlib makes this many times smaller repeats itself (the default of OpenAI's Whisper)."""

NO_REPEAT = 3
"""Length in tokens of what may not repeat, in the second attempt at a text that repeats itself."""

TOKEN_S = 0.02
"""Seconds of one step of the alignment."""

LANGUAGE_WINDOWS = 3
"""Windows that decide the language of a video."""

SURE_LANGUAGE = 0.9
"""Probability from which a window has a language of its own."""

MAX_THREADS = 4
"""Windows that are transcribed at once; each needs some 100 MB."""


@dataclass(frozen=True)
class Encoded:
    """What the network made of one window: its features, its length in feature frames, and the likely languages."""

    features: "StorageView"
    n_frames: int
    languages: Mapping[str, float]

    def language(self, main: str) -> str:
        """The language of the window: ``main``, unless another one is beyond doubt."""
        likeliest = max(self.languages, key=self.languages.__getitem__)
        return likeliest if self.languages[likeliest] >= SURE_LANGUAGE else main


class Whisper(Pooled):
    """See `Transcriber`. The model in ``folder`` has the files that CTranslate2's converter writes."""

    def __init__(self, folder: Path):
        from ctranslate2.models import Whisper as Network

        threads = min(devices.cores(), MAX_THREADS)
        self._network: Network = Network(
            str(folder), device="cpu", compute_type="int8", intra_threads=1, inter_threads=threads
        )
        self._vocabulary = Vocabulary.read(folder)
        self._pool = Pool(nullcontext, threads)

    def knows(self, language: str) -> bool:
        """See `Transcriber.knows`."""
        return self._vocabulary.has_language(language)

    def transcribe(
        self, waveform: Samples, speech: Sequence[Segment], *, language: str = "", report: Report = quiet
    ) -> Transcript:
        """See `Transcriber.transcribe`."""
        windows = pack(speech, waveform)
        if not windows:
            return Transcript((), "")
        some = {} if language else self._encode_some(windows, waveform)
        main = language or _likeliest(some.values())

        def work(_: None, item: Encoded | Waveform) -> tuple[list[Word], str]:
            encoded = item if isinstance(item, Encoded) else self._encode(item)
            return self._words(encoded, language or encoded.language(main))

        items = (some.pop(n) if n in some else window.sound(waveform) for n, window in enumerate(windows))
        words: list[Word] = []
        counts: Counter[str] = Counter()
        total_s, done_s = sum(window.duration_s for window in windows), 0.0
        for window, (heard, its_language) in zip(windows, self._pool.stream(work, items), strict=True):
            words += [_in_video(window, word) for word in heard]
            counts[its_language] += len(heard)
            done_s += window.duration_s
            report(done_s, total_s)
        return Transcript(tuple(words), max(counts, key=counts.__getitem__))

    def text(self, sound: Waveform) -> str:
        """The text of at most 30 s of sound, for comparisons."""
        encoded = self._encode(sound)
        return self._vocabulary.text(self._decode(encoded, self._prompt(encoded.language(_likeliest([encoded])))))

    def _encode_some(self, windows: Sequence[Window], waveform: Samples) -> dict[int, Encoded]:
        """A few windows, by their index, from the start to the end of the video."""
        chosen = np.unique(np.linspace(0, len(windows) - 1, LANGUAGE_WINDOWS).round().astype(int)).tolist()
        sounds = (windows[index].sound(waveform) for index in chosen)
        return dict(zip(chosen, self._pool.stream(lambda _, sound: self._encode(sound), sounds), strict=True))

    def _encode(self, sound: Waveform) -> Encoded:
        from ctranslate2 import StorageView

        features = self._network.encode(StorageView.from_array(log_mel(sound, self._network.n_mels)[None]))
        languages = {"en": 1.0}
        if self._network.is_multilingual:
            (guesses,) = self._network.detect_language(features)
            languages = {token.strip("<|>"): probability for token, probability in guesses}
        return Encoded(features, min(N_FRAMES, len(sound) * FRAME_RATE // SAMPLE_RATE), languages)

    def _words(self, encoded: Encoded, language: str) -> tuple[list[Word], str]:
        """The words of one window, in seconds of the window, and their language."""
        prompt = self._prompt(language)
        tokens = self._decode(encoded, prompt)
        if not tokens:
            return [], language
        (alignment,) = self._network.align(encoded.features, prompt, [tokens], [encoded.n_frames])
        return list(self._aligned(alignment, tokens, language)), language

    def _prompt(self, language: str) -> list[int]:
        names = ["<|startoftranscript|>"]
        if self._network.is_multilingual:
            names += [f"<|{language}|>", "<|transcribe|>"]
        return [self._vocabulary.number(name) for name in [*names, "<|notimestamps|>"]]

    def _decode(self, encoded: Encoded, prompt: list[int]) -> list[int]:
        """The tokens of the text; none where the network hears no speech, or repeats itself twice."""
        for no_repeat in (0, NO_REPEAT):
            (result,) = self._network.generate(
                encoded.features,
                [prompt],
                beam_size=BEAM,
                max_length=MAX_TOKENS,
                no_repeat_ngram_size=no_repeat,
                return_no_speech_prob=True,
            )
            if result.no_speech_prob > NO_SPEECH:
                return []
            tokens = [token for token in result.sequences_ids[0] if self._vocabulary.is_text(token)]
            if not _repeats(self._vocabulary.text(tokens)):
                return tokens
        return []

    def _aligned(self, alignment: Any, tokens: Sequence[int], language: str) -> list[Word]:
        starts_s = token_starts(alignment.alignments, len(tokens))
        confidence = np.minimum(alignment.text_token_probs, 1.0)
        return [
            Word(starts_s[first], starts_s[stop], text.strip(), None, round(float(confidence[first:stop].mean()), 3))
            for text, first, stop in self._vocabulary.words(tokens, language)
            if text.strip()
        ]


def token_starts(alignment: Sequence[tuple[int, int]], n_tokens: int) -> list[float]:
    """When each of ``n_tokens`` begins, and when the last one ends, in seconds of the window.

    ``alignment`` is a path of (token, step of `TOKEN_S`) in order.

    >>> token_starts([(0, 0), (0, 1), (1, 2), (2, 5)], 2)
    [0.0, 0.04, 0.1]
    """
    numbers, steps = np.array(alignment).T
    first = np.minimum(np.searchsorted(numbers, np.arange(n_tokens + 1)), len(steps) - 1)
    return [round(float(step) * TOKEN_S, 3) for step in steps[first]]


def _in_video(window: Window, word: Word) -> Word:
    start_s, stop_s = window.original(word.start_s, word.stop_s)
    return Word(round(start_s, 3), round(stop_s, 3), word.text, None, word.confidence)


def _likeliest(windows: Iterable[Encoded]) -> str:
    """The language that is most probable in all ``windows`` together."""
    sums: Counter[str] = Counter()
    for window in windows:
        sums.update(window.languages)
    return max(sums, key=sums.__getitem__)


def _repeats(text: str) -> bool:
    content = text.encode()
    return len(content) > len(zlib.compress(content)) * COMPRESSION
