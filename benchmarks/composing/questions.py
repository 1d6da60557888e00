"""Questions at random to an archive of `benchmarks.composing.archive`."""

import random
from collections.abc import Sequence

from vidlib.timeline import speaker_label
from vidlib.tracking.blendshapes import BLENDSHAPES

from .archive import OBJECTS, WORDS

Question = Sequence[tuple[str, str, str]]
"""Conditions: key, comparison, value. A key that begins with ``-`` excludes."""

COMPARISONS = (">", ">=", "<", "<=", "=")
KEYS = (
    *("person", "speaker", "says", "silent", "len", "faces", "framing", "object", "smile", "shape", "name", "project"),
    "date",
)


def question(chance: random.Random) -> Question:
    """One to three conditions; some exclude."""
    conditions = []
    for key in chance.sample(KEYS, chance.choice((1, 1, 2, 3))):
        key, comparison, value = _condition(key, chance)
        conditions.append((f"-{key}" if chance.random() < 0.15 else key, comparison, value))
    return conditions


def text(question: Question) -> str:
    """The question in the language of `vidlib find`."""
    return " ".join(
        key
        if key.endswith("silent")
        else f'{key}{comparison}"{value}"'
        if " " in value
        else f"{key}{comparison}{value}"
        for key, comparison, value in question
    )


def _condition(key: str, chance: random.Random) -> tuple[str, str, str]:
    comparison = chance.choice(COMPARISONS)
    share = f"{chance.choice((chance.random(), 0.4, 0.5)):.3f}"
    match key:
        case "person":
            return key, ":", chance.choice((str(chance.randint(1, 4)), speaker_label(chance.randrange(5))))
        case "speaker":
            return key, ":", speaker_label(chance.randrange(5))
        case "says":
            words = chance.choices(WORDS, k=chance.choice((1, 1, 2)))
            beginning = chance.random() < 0.2 and len(words) == 1
            return key, ":", f"{words[0][:3]}*" if beginning else " ".join(words).lower()
        case "len":
            return key, comparison, chance.choice((f"{chance.randint(1, 8)}s", "2.52s", f"{chance.randint(1, 200)}f"))
        case "faces":
            return key, comparison, str(chance.randrange(4))
        case "framing":
            return key, ":", chance.choice(("close", "medium", "wide"))
        case "object":
            return key, ":", chance.choice(OBJECTS)
        case "smile":
            return key, comparison, share
        case "shape":
            return chance.choice(BLENDSHAPES), comparison, share
        case "name":
            return key, ":", f"CLIP 000{chance.randrange(4)}"
        case "project":
            return key, ":", f"project {chance.randrange(4)}"
        case "date":
            return key, comparison, chance.choice(("2026", "2026-01", "2026-01-01", "2026-01-02"))
    return key, "", ""
