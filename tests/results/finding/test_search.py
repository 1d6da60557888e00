"""Questions to the archive: each answer is that of a scan of all results, and says why."""

import random
import sqlite3
from pathlib import Path

import pytest

from benchmarks.by_hand.find import results, scan
from benchmarks.composing import questions
from tests.results.finding.conftest import write_entry
from vidlib.errors import UsageError
from vidlib.results.finding import search
from vidlib.results.finding.query import parse
from vidlib.timeline import smpte

SEED, N_QUESTIONS = 11, 80


def find(root: Path, question: str, limit: int = -1) -> list[search.FoundShot]:
    return search.find(root, parse(question), limit).shots


def numbers(root: Path, question: str) -> list[int]:
    return [shot.number for shot in find(root, question)]


def test_every_answer_is_that_of_a_scan(random_archive):
    videos, chance = results(random_archive), random.Random(SEED)
    n_answers = 0
    with search.index.opened(random_archive) as opened:
        for _ in range(N_QUESTIONS):
            question = questions.question(chance)
            answer = search.search(opened, parse(questions.text(question)))
            shots = [(shot.stem, shot.number) for shot in answer.shots]
            assert set(shots) == scan(videos, question), questions.text(question)
            assert len(set(shots)) == len(shots) == answer.total
            n_answers += bool(shots)
    assert n_answers > N_QUESTIONS / 2


@pytest.mark.parametrize(
    ("question", "shots"),
    [
        ("len>0.8s", [2]),
        ("len>=0.8s", [1, 2]),
        ("len=9f", [3]),
        ("faces=2", [1]),
        ("faces=0", [2]),
        ("person:1", [1, 3]),
        ("person:SPEAKER_00", [1, 3]),
        ("person:speaker_00", [1, 3]),
        ("person:SPEAKER_0", []),
        ("person:2", [1]),
        ("person:SPEAKER_01", []),
        ("speaker:SPEAKER_01", [2]),
        ("SPEAKER_01", [2]),
        ("silent", []),
        ("-silent faces=0", [2]),
        ("smile>=0.7", [1, 3]),
        ("smile>0.7", []),
        ("-smile>0.7", [1, 2, 3]),
        ("JAWOPEN>0.6", [1, 3]),
        ("framing:close", [1, 3]),
        ("framing:wide", []),
        ("object:chair", [2]),
        ("says:budget", [1]),
        ("says:BÜDGET", [1]),
        ('says:"heute und"', [1]),
        ('says:"heute das"', []),
        ("says:wet*", [2]),
        ('says:"das wet"*', [2]),
        ("says:wet", []),
        ("says:abend", [3]),
        ("name:ete", [1, 2, 3]),
        ("project:SPR", [1, 2, 3]),
        ("project:%", []),
        ("date:2026-11-01", [1, 2, 3]),
        ("date<2026-11", []),
        ("date>=2026", [1, 2, 3]),
        ("wetter", [2]),
        ("spring", [1, 2, 3]),
        ('"Été talk" faces>0', [1, 3]),
        ("l'été", []),
    ],
)
def test_each_condition(root, question, shots):
    write_entry(root)
    assert numbers(root, question) == shots


def test_a_shot_says_where_it_is_and_why_it_was_found(root):
    write_entry(root)
    (shot,) = find(root, "person:1 says:budget smile>0.6 faces=2 framing:close -silent")
    assert shot.why == ("SPEAKER_00", "“Das Büdget, heute und morgen:”", "smile 0.70", "2 faces", "close")
    assert (shot.timecode, shot.span.middle, shot.framing) == (smpte(90_000), 10, "close")
    assert (shot.people, shot.speakers) == (("SPEAKER_00", "person 2"), ("SPEAKER_00",))
    assert (shot.video, shot.project) == ("Été talk.mov", "Spring")


def test_a_name_of_a_person_is_found_by_a_part_of_it(root):
    path = write_entry(root).results["people"]
    path.write_text(path.read_text().replace("SPEAKER_00", "André Martin"))
    assert numbers(root, 'person:"andre mar"') == numbers(root, "MARTIN") == [1, 3]
    assert [shot.why for shot in find(root, "martin")] == [("André Martin",)] * 2


def test_a_limit_shows_the_first_shots_and_counts_all(random_archive):
    every = find(random_archive, "len>0")
    answer = search.find(random_archive, parse("len>0"), 3)
    assert (answer.shots, answer.total) == (every[:3], len(every))


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "the question is empty"),
        ("persn:x", "'persn' in 'persn:x' is no condition; did you mean 'person'"),
        ("len>3x", "'len>3x' cannot be read; expected a length in seconds or frames"),
        ("len>1e99", "expected a length"),
        ("len > 3s", "'>' cannot be read; expected a name and a value without spaces"),
        ("person:", "expected a name and a value"),
        ('says:"the budget', "a quotation mark without its second one"),
        ("says:?!", "expected words, as in"),
        ("faces=two", "expected a number of faces"),
        ("smile>40", "expected a number from 0 to 1"),
        ("smile>nan", "expected a number from 0 to 1"),
        ("framing:closeup", "expected close, medium or wide; did you mean 'close'"),
        ("framing>close", "expected framing:close, framing:medium"),
        ("date:2026-13", "expected a date of the archive"),
        ("silent:no", "expected silent alone, or -silent"),
        ("x" * 3000, "at most 2000"),
    ],
)
def test_a_mistake_is_explained(question, message):
    with pytest.raises(UsageError) as caught:
        parse(question)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["' OR 1 --", "{spoken}", "%s ? :x", 'a" OR "b', "NEAR(a b)", "\x00\x01", "*"])
def test_a_text_is_never_a_command(root, text):
    write_entry(root)
    quoted = text.replace('"', "'")
    for key in ("person", "speaker", "object", "name", "project"):
        assert numbers(root, f'{key}:"{quoted}"') == []
    try:
        assert numbers(root, f'says:"{quoted}"') == []
    except UsageError as error:
        assert "expected words" in str(error)
    except sqlite3.Error as error:
        pytest.fail(f"{text!r} reached SQLite: {error}")
