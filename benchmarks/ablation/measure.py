"""The ablation table: the errors of each variant of the diarization, on each recording."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from ablation.caching import cached_networks
from ablation.statistics import Errors, Scores, chosen_scores, error_rates, interval, leave_one_out, pooled
from ablation.variants import ALTERNATIVES, PLAIN, REPLACED, THRESHOLDS, Variant, applied

from vidlib.engines.speech import Options, open_diarizer
from vidlib.errors import UsageError
from vidlib.evaluation.ground_truth import read_turns
from vidlib.evaluation.voices import components
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.timeline import Turn, Turns

PRODUCT = "product"

STARTS_S = (0.0, 0.4, 0.8)
"""Each recording is heard three times, from these seconds on, because a single decision may turn by chance."""


class Recording(NamedTuple):
    """A version of a recording, (samples,) at 16 kHz, and its true turns."""

    name: str
    sound: np.ndarray
    turns: Turns


def ablation(files: Iterable[tuple[Path, Path]], cache: Path) -> str:
    """Measure all variants on the ``files``, sounds and their RTTM; ``cache`` keeps the outputs of the networks.

    Raises UsageError for fewer than two recordings.
    """
    recordings = [version for sound, truth in files for version in versions(sound, truth)]
    if len(names := {recording.name for recording in recordings}) < 2:
        raise UsageError(
            f"only {', '.join(names)} was given; expected two recordings or more, as one is left out in turn"
        )
    variants = {PRODUCT: (), "plain pyannote.audio": PLAIN, **REPLACED, **ALTERNATIVES}
    with cached_networks(cache):
        scores = {name: measure(variant, recordings) for name, variant in variants.items()}
        thresholds = {name: measure(variant, recordings) for name, variant in THRESHOLDS.items()}
    return "\n\n".join([table(scores), by_domain(scores), by_recording(scores), chosen(thresholds)])


def versions(sound: Path, truth: Path) -> Iterable[Recording]:
    """The recording from each of `STARTS_S` on."""
    waveform, turns = read_waveform(sound), read_turns(truth, sound.stem)
    for start_s in STARTS_S:
        later = [cut(turn, start_s) for turn in turns if turn.stop_s > start_s]
        yield Recording(sound.stem, np.asarray(waveform[round(start_s * SAMPLE_RATE) :]), Turns(later))


def cut(turn: Turn, start_s: float) -> Turn:
    """The turn, in seconds after ``start_s``."""
    return replace(turn, start_s=max(0.0, turn.start_s - start_s), stop_s=turn.stop_s - start_s)


def measure(variant: Variant, recordings: Sequence[Recording]) -> Scores:
    """The errors of a variant on all recordings."""
    scores: dict[str, list[Errors]] = {}
    with applied(variant), open_diarizer("pyannote", "cpu", Options()) as engine:
        for name, sound, true in recordings:
            turns = engine.diarize(sound).turns
            parts = components(true, turns, len(sound) / SAMPLE_RATE)
            seconds = (parts[part] for part in ("missed detection", "false alarm", "confusion", "total"))
            scores.setdefault(name, []).append(Errors(*seconds, len(turns.speakers), len(true.speakers)))
    return scores


def table(scores: Mapping[str, Scores]) -> str:
    """A row for each variant; the difference from the product has the 95 % interval of a bootstrap by recording."""
    product, plain = list(scores.values())[:2]
    rows = {}
    for name, own in scores.items():
        rates, (low, high) = error_rates(own), interval(own, product)
        missed_s, false_s, confused_s = np.sum([np.mean(errors, axis=0)[:3] for errors in own.values()], axis=0)
        rows[name] = {
            "DER": f"{pooled(own):.3f}",
            "mean ± spread": f"{rates.mean():.3f} ± {rates.std(ddof=1):.3f}" if len(rates) > 1 else "",
            "difference": f"{pooled(own) - pooled(product):+.3f} [{low:+.3f}, {high:+.3f}]",
            "missed, false, confused s": f"{missed_s:.1f}, {false_s:.1f}, {confused_s:.1f}",
            "speakers off by": f"{np.mean([abs(e.n_speakers - e.n_true) for v in own.values() for e in v]):.2f}",
            "most above plain": f"{(rates - error_rates(plain)).max():+.3f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").to_string()


def by_domain(scores: Mapping[str, Scores]) -> str:
    """The error rate of each domain by every variant; composed dialogues are named after their domain, as far-0."""
    domains = sorted({domain_of(name) for name in scores[PRODUCT]})
    rates = {
        variant: [pooled({name: own[name] for name in own if domain_of(name) == domain}) for domain in domains]
        for variant, own in scores.items()
    }
    return pd.DataFrame.from_dict(rates, orient="index", columns=domains).to_string(float_format="%.3f")


def domain_of(name: str) -> str:
    """The name of a recording up to its number.

    >>> domain_of("far-0"), domain_of("dev00")
    ('far', 'dev')
    """
    return name.rstrip("0123456789").rstrip("-")


def by_recording(scores: Mapping[str, Scores]) -> str:
    """The error rate of each recording by the product, and by plain pyannote.audio."""
    first_two = dict(list(scores.items())[:2])
    rates = {name: error_rates(own) for name, own in first_two.items()}
    return pd.DataFrame(rates, index=list(first_two[PRODUCT])).T.to_string(float_format="%.2f")


def chosen(thresholds: Mapping[str, Scores]) -> str:
    """The error rate of each threshold, and that of leave-one-out: chosen on all other recordings, for each one."""
    rates = ", ".join(f"{name.split()[-1]}: {pooled(own):.3f}" for name, own in thresholds.items())
    choices = leave_one_out(thresholds)
    counts = ", ".join(f"{name.split()[-1]} ({n})" for name, n in Counter(choices.values()).most_common())
    rate = pooled(chosen_scores(thresholds, choices))
    return f"DER by threshold: {rates}\nthresholds chosen by leave-one-out: {counts}; DER {rate:.3f}"
