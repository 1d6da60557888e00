import numpy as np
import pytest

from vidlib.tracking.blendshapes import SPEECH
from vidlib.tracking.speaking import LAG_FRAMES, SPEAKS, Mouth, Sound, Voice, fit_to_sound, odds, speaking, voice_of

N = 90
BURSTS = np.arange(N) % 30 < 15
"""Speech for 15 frames, and silence for 15."""

SYLLABLES = BURSTS & (np.arange(N) % 4 < 2)
"""Where the speech is loud."""


def sound(speech=True, voices=("A",)) -> Sound:
    return Sound(0, np.full(N, speech), [voices] * N, samples(np.where(SYLLABLES, 0.3, 0.01)))


def samples(loudness: np.ndarray) -> np.ndarray:
    return np.repeat(loudness.astype(np.float32)[:, np.newaxis], 640, axis=1)


def mouth(moves: np.ndarray, start: int = 0) -> Mouth:
    """Opens and closes every other frame by 0.2 where it ``moves``."""
    opening = np.where(moves & (np.arange(len(moves)) % 4 < 2), 0.2, 0.0)
    return Mouth(start, np.repeat(opening[:, np.newaxis], len(SPEECH), axis=1).astype(np.float32))


def heard(mouths: list[Mouth], sound: Sound, likely: list[np.ndarray] | None = None) -> list[np.ndarray]:
    """How surely each of the faces with these mouths speaks."""
    own = [odds(one, sound, *([likely[n]] if likely else [])) for n, one in enumerate(mouths)]
    return speaking([one.start for one in mouths], own, sound)


MOVING, STILL = np.full(N, True), np.full(N, False)


def test_a_mouth_that_moves_with_the_sound_speaks():
    (sure,) = heard([mouth(BURSTS)], sound())
    assert (sure > SPEAKS).all() and (sure < 1).all()


@pytest.mark.parametrize(("moves", "speech"), [(MOVING, False), (STILL, True)], ids=["silence", "mouth shut"])
def test_neither_sound_nor_movement_alone_is_speaking(moves, speech):
    (sure,) = heard([mouth(moves)], sound(speech))
    assert (sure <= SPEAKS).all()


def test_of_two_moving_mouths_the_one_that_fits_the_sound_speaks():
    chewing, talking = heard([mouth(~BURSTS), mouth(BURSTS)], sound())
    assert (talking[BURSTS] > SPEAKS).all()
    assert not (chewing[BURSTS] > SPEAKS).any()


def test_two_voices_may_have_two_mouths():
    for sure in heard([mouth(BURSTS), mouth(BURSTS)], sound(voices=("A", "B"))):
        assert (sure > SPEAKS).all()


def test_faces_need_not_be_there_for_the_whole_shot():
    early, late = heard([mouth(BURSTS[:40]), mouth(BURSTS[50:], start=50)], sound())
    assert len(early) == len(late) == 40
    assert (early > SPEAKS).all() and (late > SPEAKS).all()


def test_a_mouth_that_is_not_known_does_not_speak():
    (sure,) = heard([Mouth(0, np.full((N, len(SPEECH)), np.nan, np.float32))], sound())
    assert not (sure > SPEAKS).any()


def test_no_face_no_speaker():
    assert speaking([], [], sound()) == []


@pytest.mark.parametrize("shift", [0, LAG_FRAMES, -LAG_FRAMES, 15])
def test_fit_is_a_correlation_that_forgives_a_small_lag(shift):
    fit = fit_to_sound(BURSTS.astype(float), np.roll(BURSTS, shift).astype(float))
    assert (fit[N // 2] == pytest.approx(1)) == (abs(shift) <= LAG_FRAMES)


def test_where_the_network_was_asked_it_has_a_say():
    doubtful = [mouth(MOVING), mouth(MOVING)]
    told = heard(doubtful, sound(), [np.full(N, 6.0), np.full(N, -6.0)])
    assert (told[0] > told[1]).all()


def test_the_voice_heard_while_a_face_speaks_is_its_own():
    assert voice_of(MOVING, [("A",)] * N) == Voice("A", pytest.approx(N / (N + 5)))
    assert voice_of(STILL, [("A",)] * N) is None


def test_a_voice_that_is_mostly_heard_while_a_face_is_silent_is_not_its_own():
    assert voice_of(np.arange(N) < N // 3, [("A",)] * N) is None


def test_a_few_frames_do_not_say_whose_voice_it_is():
    assert voice_of(np.full(5, True), [("A",)] * 5) is None


def test_a_voice_that_is_heard_beside_the_face_is_less_surely_its_own():
    assert voice_of(np.arange(N) < 2 * N // 3, [("A",)] * N) == Voice("A", pytest.approx(60 / (N + 5)))
    assert voice_of(MOVING, [("A",) if n < 60 else ("B",) for n in range(N)]) == Voice("A", pytest.approx(60 / (N + 5)))
