"""Composed dialogues: rooms, ambient sounds, and turns that are exactly where somebody is heard."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks.composing import dialogues
from benchmarks.composing.sound import impulse_response, write_wav
from vidlib.errors import UsageError
from vidlib.media.audio import SAMPLE_RATE

ROOM, SOURCE = np.array([6.0, 5.0, 3.0]), np.array([1.0, 2.0, 1.5])


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dialogues.Sources:
    """Five voices of 12 s: a second and a half of noise, then a pause of half a second."""
    folder, noise = tmp_path_factory.mktemp("voices"), np.random.default_rng(0)
    loud = np.arange(12 * SAMPLE_RATE) % (2 * SAMPLE_RATE) < 1.5 * SAMPLE_RATE
    voices = [[write_wav(folder / f"{n}.wav", noise.normal(0, 0.1, loud.size) * loud)] for n in range(5)]
    return dialogues.Sources(voices, [], [])


@pytest.fixture
def compose(sources, monkeypatch) -> Callable:
    """A dialogue of a domain, with a crowd of one."""
    monkeypatch.setattr(dialogues, "CROWD", 1)
    return lambda domain, seed=0: dialogues.compose(dialogues.DOMAINS[domain], sources, Random(seed))


def test_turns_are_where_the_voices_are_heard(compose):
    sound, turns = compose("studio")
    loud = np.abs(sound[: len(sound) // 160 * 160].reshape(-1, 160)).mean(axis=1) > 0.01
    spoken = np.zeros(len(loud), bool)
    for turn in turns:
        spoken[round(turn.start_s * 100) : round(turn.stop_s * 100)] = True
    assert 2 <= len(turns.speakers) <= 4
    assert (loud == spoken).mean() > 0.97


def test_the_same_seed_gives_the_same_dialogue_and_another_one_another(compose):
    (sound, turns), (again, same) = compose("street"), compose("street")
    assert np.array_equal(sound, again)
    assert turns == same
    assert turns != compose("street", 1)[1]


def test_people_interrupt_each_other_in_crosstalk_alone(compose):
    def overlap_s(domain: str) -> float:
        turns = compose(domain)[1]
        return sum(
            part.duration_s for n, turn in enumerate(turns) for later in turns[n + 1 :] if (part := turn & later)
        )

    assert overlap_s("crosstalk") > 1
    assert overlap_s("music") == 0


def test_a_room_echoes_for_its_reverberation_time_and_more_of_it_is_heard_from_afar():
    microphones = SOURCE + np.array([[0.3, 0, 0], [3.5, 0, 0]])
    near, far = (impulse_response(ROOM, SOURCE, microphone, 0.4) for microphone in microphones)
    assert near[0] > far[0] > 0
    direct = [response[0] ** 2 / np.square(response).sum() for response in (near, far)]
    assert direct[0] > 0.8 > 0.3 > direct[1]
    late = np.square(far[int(0.35 * SAMPLE_RATE) :]).sum() / np.square(far).sum()
    assert 0 < late < 1e-3


def test_seeds_for_reports_have_other_speakers_and_sounds(tmp_path):
    for n in range(28):
        (tmp_path / "speakers" / f"{n:02}").mkdir(parents=True)
        (tmp_path / "speakers" / f"{n:02}" / "a.wav").touch()
    choice, report = (dialogues.sources_of(tmp_path, untouched) for untouched in (False, True))
    assert len(choice.voices) == len(report.voices) == 14
    assert not {file for voice in choice.voices for file in voice} & {file for voice in report.voices for file in voice}


def test_too_few_speakers_are_refused_with_their_number(tmp_path: Path):
    with pytest.raises(UsageError, match=r"has 0 folders for a half of the speakers; expected 14 or more"):
        dialogues.sources_of(tmp_path, False)
