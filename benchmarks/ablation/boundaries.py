"""What each part of the detection of cuts is worth: variants, on footage whose boundaries are known."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from ablation.footage import EDITS_OF, UNEDITED, Footage, evidence_of
from ablation.statistics import Errors, Scores, chosen_scores, interval, leave_one_out
from composing.edits import EDITS, Edge

from vidlib.engines.shots import boundaries, jumps
from vidlib.engines.shots.boundaries import Evidence, find_shots
from vidlib.evaluation.ground_truth import Part, TrueShot
from vidlib.evaluation.shots import TOLERANCE, match_boundaries
from vidlib.steps import scenes
from vidlib.timeline import FPS, Shot

PARAMS = scenes.Params()


class Found(NamedTuple):
    """The detected boundaries of a video, which of them are right, and the true ones that were missed."""

    shots: tuple[Shot, ...]
    right: tuple[bool, ...]
    missed: tuple[Edge, ...]

    @property
    def errors(self) -> Errors:
        false = self.right.count(False)
        return Errors(len(self.missed), false, 0, len(self.missed) + self.right.count(True), 0, 0)


class Variant(NamedTuple):
    """Other ``constants`` of the module `boundaries`, and another ``jump``, (n,) in [0, 1]."""

    constants: Mapping[str, float] = {}
    jump: Callable[[Footage, Evidence], np.ndarray] = lambda _, evidence: evidence.jump


def sudden_changes(_: Footage, evidence: Evidence) -> np.ndarray:
    """1 where the mean change is three times as large as in six frames on either side, and five levels: else 0."""
    padded = np.pad(evidence.change, 6)
    around = np.lib.stride_tricks.sliding_window_view(padded, 13).copy()
    around[:, 6] = 0
    return ((evidence.change >= 5) & (evidence.change >= 3 * around.max(axis=1))).astype(np.float32)


def brightness_alone(footage: Footage, _: Evidence) -> np.ndarray:
    """The share of the picture that jumps, without the comparison of normalized pictures."""
    pictures = jumps._pictures
    with patch.object(jumps, "_pictures", lambda frame: pictures(frame)[[0, 0]]):
        return measured_jumps(footage)


def measured_jumps(footage: Footage) -> np.ndarray:
    """(n,) float32 in [0, 1], from the thumbnails."""
    meter = jumps.JumpMeter()
    for frame in footage.pictures:
        meter.add(frame)
    return meter.shares()


def weights(weight: float, least: float, against: float, most: float) -> Variant:
    """What a jump says with these constants."""
    names = ("JUMP_WEIGHT", "LEAST_JUMP", "MOST_AGAINST", "MOST_FOR")
    return Variant(dict(zip(names, (weight, least, -against, most), strict=True)))


VARIANTS: dict[str, Variant] = {
    "product": Variant(),
    "the network alone": weights(0, 0, 0, 0),
    "before: +3.5 at a sudden change": Variant(weights(3.5, 0, 0, 3.5).constants, sudden_changes),
    "nothing speaks against a cut": Variant({"MOST_AGAINST": 0}),
    "brightness alone": Variant(jump=brightness_alone),
}

CHOICES: dict[str, Variant] = {
    f"{weight}, {least}, {against}, {most}": weights(weight, least, against, most)
    for weight, least, against, most in product((6, 8, 10, 12), (0.1, 0.13, 0.16, 0.2), (0, 0.75, 1.5), (3.5, 5, 6))
}
"""Candidates for the constants, among which leave-one-out chooses."""


def find(footage: Footage, variant: Variant) -> Found:
    """The boundaries that a variant finds, beside the true ones."""
    evidence = evidence_of(footage)
    evidence = replace(evidence, jump=variant.jump(footage, evidence))
    with ExitStack() as stack:
        for name, value in variant.constants.items():
            stack.enter_context(patch.object(boundaries, name, value))
        shots = find_shots(evidence, PARAMS.threshold, round(PARAMS.min_shot_s * FPS))[1:]
    pairs = match_boundaries([_true_shot(edge) for edge in footage.edges], shots)
    judged = [
        (shot, n in pairs.values()) for n, shot in enumerate(shots) if n in pairs.values() or _counts(footage, shot)
    ]
    missed = tuple(edge for n, edge in enumerate(footage.edges) if n not in pairs)
    return Found(tuple(shot for shot, _ in judged), tuple(right for _, right in judged), missed)


def ablation(made: Sequence[Footage], reported: Iterable[str]) -> str:
    """The tables: each variant on the sources for choices and on those ``reported``; and every kind of edit."""
    kept = set(reported)
    groups = [
        (
            f"{form}, {'reported' if is_kept else 'chosen on'}",
            [f for f in made if f.form == form and (f.source in kept) == is_kept],
        )
        for form, is_kept in product((UNEDITED, EDITS_OF), (False, True))
    ]
    rows = {
        name: {title: cell(group, variant) for title, group in groups if group} for name, variant in VARIANTS.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").to_string()
    return "\n\n".join([table, by_kind(made), calibration(made), chosen([f for f in made if f.source not in kept])])


def cell(group: Sequence[Footage], variant: Variant) -> str:
    """F1, missed and false boundaries, and the change in errors for each boundary, with its 95 % interval."""
    own, product_scores = scores(group, variant), scores(group, VARIANTS["product"])
    missed, false, _, total, *_ = np.sum([e for errors in own.values() for e in errors], axis=0)
    f1 = 2 * (total - missed) / (2 * total - missed + false)
    if variant is VARIANTS["product"]:
        return f"{f1:.3f} ({missed:.0f}, {false:.0f} of {total:.0f})"
    low, high = interval(own, product_scores)
    return f"{f1:.3f} ({missed:.0f}, {false:.0f}) [{low:+.3f}, {high:+.3f}]"


def scores(group: Iterable[Footage], variant: Variant) -> Scores:
    """The errors of each source."""
    errors: dict[str, list[Errors]] = {}
    for footage in group:
        errors.setdefault(footage.source, []).append(find(footage, variant).errors)
    return errors


def by_kind(made: Iterable[Footage]) -> str:
    """Missed and false boundaries in each kind of edit, by the network alone and by the product."""
    counts: Counter[tuple[str, str]] = Counter()
    edited = [footage for footage in made if footage.form == EDITS_OF]
    for name in ("the network alone", "product"):
        for footage in edited:
            found = find(footage, VARIANTS[name])
            false = [shot.span.start for shot, right in zip(found.shots, found.right, strict=True) if not right]
            counts.update((footage.kind_at(edge.start), f"missed, {name}") for edge in found.missed)
            counts.update((footage.kind_at(frame), f"false, {name}") for frame in false)
    for footage in edited:
        counts.update((footage.kind_at(edge.start), "boundaries") for edge in footage.edges)
    columns = ["boundaries", *sorted({column for _, column in counts} - {"boundaries"}, reverse=True)]
    return pd.DataFrame({c: {kind: counts[kind, c] for kind in EDITS} for c in columns}).to_string()


def calibration(made: Iterable[Footage]) -> str:
    """How often boundaries of a confidence are right, of videos as they are and of edits."""
    rows = []
    for footage in made:
        found = find(footage, VARIANTS["product"])
        rows += [
            (footage.form, shot.confidence, float(right)) for shot, right in zip(found.shots, found.right, strict=True)
        ]
    table = pd.DataFrame(rows, columns=["form", "confidence", "right"])
    table["group"] = pd.cut(table.confidence, (0.0, 0.5, 0.7, 0.9, 0.97, 1.0))
    grouped = table.groupby(["form", "group"], observed=True)
    return (
        grouped.agg(n=("right", "size"), confidence=("confidence", "mean"), right=("right", "mean"))
        .round(3)
        .to_string()
    )


def chosen(made: Sequence[Footage]) -> str:
    """The errors for each boundary by the constants that leave-one-out chooses by source, and those of the product."""
    choices = {name: scores(made, variant) for name, variant in CHOICES.items()}
    chosen_names = leave_one_out(choices)
    counts = ", ".join(f"({name}) {n} times" for name, n in Counter(chosen_names.values()).most_common())
    left_out, product_rate, network_rate = map(
        _rate, (chosen_scores(choices, chosen_names), *(scores(made, v) for v in list(VARIANTS.values())[:2]))
    )
    rates = f"{left_out:.3f}, product {product_rate:.3f}, network {network_rate:.3f}"
    return f"constants chosen by leave-one-out: {counts}\nerrors for each boundary: {rates}"


def _rate(own: Scores) -> float:
    missed, false, _, total, *_ = np.sum([e for errors in own.values() for e in errors], axis=0)
    return float((missed + false) / total)


def _counts(footage: Footage, shot: Shot) -> bool:
    """Whether a boundary that matches no true one is false: not where one is optional."""
    return not any(span.start - TOLERANCE <= shot.span.start < span.stop + TOLERANCE for span in footage.optional)


def _true_shot(edge: Edge) -> TrueShot:
    length = edge.full - edge.start if edge.kind != "cut" else 0
    start = edge.full if edge.kind == "black" else edge.start
    part = Part(start=start, faces=(), audible=None)
    return TrueShot(start=start, full=edge.full, transition=edge.kind, length=length, kind="edit", parts=(part,))
