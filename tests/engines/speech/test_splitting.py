"""One voice that is two people: told by voice prints alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.speech.diarization.splitting import split


def prints_of(*voices: tuple[int, int], noise: float = 0.6) -> np.ndarray:
    """Voice prints around a direction of its own for each voice: (n, 192) for ``(voice, n)``."""
    lot = np.random.default_rng(5)
    return np.concatenate([np.eye(192)[[voice]] + noise / 14 * lot.standard_normal((n, 192)) for voice, n in voices])


@given(n=st.integers(6, 40), noise=st.floats(0, 0.8))
def test_one_voice_stays_one_person(n, noise):
    whose, origins = split(prints_of((0, n), noise=noise), np.zeros(n, int), 1)
    assert origins == [0]
    assert (whose == 0).all()


@given(first=st.integers(3, 40), second=st.integers(3, 40), third=st.integers(3, 40))
def test_who_is_three_people_becomes_three(first, second, third):
    prints = prints_of((0, first), (1, second), (2, third))
    whose, origins = split(prints, np.zeros(len(prints), int), 1)
    assert origins == [0, 0, 0]
    groups = [set(group.tolist()) for group in np.split(whose, np.cumsum([first, second]))]
    assert sorted(person for group in groups for person in group) == [0, 1, 2]


def test_other_people_and_windows_of_nobody_are_left_alone():
    prints = prints_of((0, 8), (1, 5), (2, 6), (3, 2))
    whose, origins = split(prints, np.repeat([0, 0, 1, -1], [8, 5, 6, 2]), 2)
    assert origins == [0, 1, 0]
    assert whose.tolist() == [0] * 8 + [2] * 5 + [1] * 6 + [-1] * 2


def test_a_moment_is_nobody_of_its_own():
    assert split(prints_of((0, 20), (1, 2)), np.zeros(22, int), 1)[1] == [0]


def test_there_are_never_more_people_than_asked_for():
    prints = prints_of((0, 8), (1, 8), (2, 8))
    assert split(prints, np.zeros(24, int), 1, most=2)[1] == [0, 0]
    assert split(prints, np.zeros(24, int), 1, most=1)[1] == [0]


def test_of_very_many_windows_a_part_decides_for_all():
    prints = prints_of((0, 3000), (1, 1500))
    whose, _ = split(prints, np.zeros(4500, int), 1)
    assert whose.tolist() == [0] * 3000 + [1] * 1500
