"""What each part of the detection of cuts is worth: variants, on footage whose boundaries are known."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from ablation.footage import EDITS_OF, UNEDITED, Footage, evidence_of
from ablation.jumps import NETWORK_ALONE, Weights, fit, measures
from ablation.statistics import Errors, Scores, interval
from composing.edits import EDITS, Edge

from vidlib.engines.shots import boundaries, jumps
from vidlib.engines.shots.boundaries import find_shots
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


def find(footage: Footage, weights: Weights) -> Found:
    """The boundaries that are found with these weights, beside the true ones."""
    by_name = dict(zip(jumps.WEIGHTS, weights.measures, strict=True))
    with patch.object(jumps, "WEIGHTS", by_name), patch.object(boundaries, "BEGINS_WEIGHT", weights.begins):
        evidence = replace(evidence_of(footage), jump=jumps.log_odds(measures(footage)))
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
    chosen_on = [footage for footage in made if footage.source not in kept]
    groups = [
        (
            f"{form}, {'reported' if is_kept else 'chosen on'}",
            [f for f in made if f.form == form and (f.source in kept) == is_kept],
        )
        for form, is_kept in product((UNEDITED, EDITS_OF), (False, True))
    ]
    variants = {"product": dict.fromkeys({footage.source for footage in made}, Weights.of_product())}
    variants["the network alone"] = dict.fromkeys(variants["product"], NETWORK_ALONE)
    for without in ("", *list(jumps.WEIGHTS)[2:]):
        variants[f"without: {without}" if without else "fitted anew"] = chosen(chosen_on, kept, without)
    rows = {
        name: {title: cell(group, variant, variants["product"]) for title, group in groups if group}
        for name, variant in variants.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").to_string()
    return "\n\n".join([table, by_kind(made), calibration(made), f"fitted: {fit(chosen_on)}"])


def chosen(made: Sequence[Footage], reported: Iterable[str], without: str) -> dict[str, Weights]:
    """For each source, the weights chosen on all others that may choose."""
    weights = {source: fit([f for f in made if f.source != source], [without]) for source in {f.source for f in made}}
    return weights | dict.fromkeys(reported, fit(made, [without]))


def cell(group: Sequence[Footage], variant: Mapping[str, Weights], base: Mapping[str, Weights]) -> str:
    """F1, missed and false boundaries, and the change in errors for each boundary, with its 95 % interval."""
    own = scores(group, variant)
    missed, false, _, total, *_ = np.sum([e for errors in own.values() for e in errors], axis=0)
    f1 = 2 * (total - missed) / (2 * total - missed + false)
    text = f"{f1:.3f} ({missed:.0f}, {false:.0f} of {total:.0f})"
    if variant is base:
        return text
    low, high = interval(own, scores(group, base))
    return f"{text} [{low:+.3f}, {high:+.3f}]"


def scores(group: Iterable[Footage], variant: Mapping[str, Weights]) -> Scores:
    """The errors of each source, with the weights for it."""
    errors: dict[str, list[Errors]] = {}
    for footage in group:
        errors.setdefault(footage.source, []).append(find(footage, variant[footage.source]).errors)
    return errors


def by_kind(made: Iterable[Footage]) -> str:
    """Missed and false boundaries in each kind of edit, by the network alone and by the product."""
    counts: Counter[tuple[str, str]] = Counter()
    edited = [footage for footage in made if footage.form == EDITS_OF]
    for name, weights in (("the network alone", NETWORK_ALONE), ("product", Weights.of_product())):
        for footage in edited:
            found = find(footage, weights)
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
        found = find(footage, Weights.of_product())
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


def _counts(footage: Footage, shot: Shot) -> bool:
    """Whether a boundary that matches no true one is false: not where one is optional."""
    return not any(span.start - TOLERANCE <= shot.span.start < span.stop + TOLERANCE for span in footage.optional)


def _true_shot(edge: Edge) -> TrueShot:
    length = edge.full - edge.start if edge.kind != "cut" else 0
    start = edge.full if edge.kind == "black" else edge.start
    part = Part(start=start, faces=(), audible=None)
    return TrueShot(start=start, full=edge.full, transition=edge.kind, length=length, kind="edit", parts=(part,))
