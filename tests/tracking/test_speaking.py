import numpy as np
import pytest

from vidlib.tracking.speaking import SPEAKS, Mouth, Sound, fit_to_sound, speaking, voice_of

N = 90
BURSTS = np.arange(N) % 30 < 15
"""Speech that is loud for 15 frames and soft for 15."""


def sound(speech=True, voices=("A",), loud=BURSTS) -> Sound:
    return Sound(0, np.full(N, speech), [voices] * N, np.where(loud, 0.3, 0.01).astype(np.float32))


def mouth(moves: np.ndarray, start: int = 0) -> Mouth:
    """Opens and closes every other frame by 0.2 where it ``moves``."""
    return Mouth(start, np.where(moves & (np.arange(len(moves)) % 4 < 2), 0.2, 0.0).astype(np.float32))


MOVING, STILL = np.full(N, True), np.full(N, False)


def test_a_moving_mouth_speaks_while_there_is_speech():
    (sure,) = speaking([mouth(MOVING)], sound(), 0.02)
    assert (sure > SPEAKS).all() and (sure < 1).all()


@pytest.mark.parametrize(("moves", "speech"), [(MOVING, False), (STILL, True)], ids=["silence", "mouth shut"])
def test_neither_sound_nor_movement_alone_is_speaking(moves, speech):
    (sure,) = speaking([mouth(moves)], sound(speech), 0.02)
    assert (sure <= SPEAKS).all()


def test_of_two_moving_mouths_the_one_that_fits_the_sound_speaks():
    chewing, talking = speaking([mouth(~BURSTS), mouth(BURSTS)], sound(), 0.02)
    assert (talking[BURSTS] > SPEAKS).all()
    assert not (chewing[BURSTS] > SPEAKS).any()


def test_two_voices_may_have_two_mouths():
    for sure in speaking([mouth(MOVING), mouth(MOVING)], sound(voices=("A", "B")), 0.02):
        assert (sure > SPEAKS).all()


def test_faces_need_not_be_there_for_the_whole_shot():
    early, late = speaking([mouth(MOVING[:40]), mouth(MOVING[:40], start=50)], sound(), 0.02)
    assert len(early) == len(late) == 40
    assert (early > SPEAKS).all() and (late > SPEAKS).all()


def test_a_mouth_that_is_not_known_does_not_speak():
    (sure,) = speaking([Mouth(0, np.full(N, np.nan, np.float32))], sound(), 0.02)
    assert (sure == 0).all()


def test_no_face_no_speaker():
    assert speaking([], sound(), 0.02) == []


@pytest.mark.parametrize("shift", [0, 15])
def test_fit_is_a_correlation(shift):
    fit = fit_to_sound(BURSTS.astype(float), np.roll(BURSTS, shift).astype(np.float32))
    assert fit[N // 2] == pytest.approx(1 if shift == 0 else -1)


def test_the_voice_heard_while_a_face_speaks_is_its_own():
    heard = sound()
    assert voice_of(MOVING, heard) == "A"
    assert voice_of(STILL, heard) is None


def test_a_voice_that_is_mostly_heard_while_a_face_is_silent_is_not_its_own():
    assert voice_of(np.arange(N) < N // 3, sound()) is None


def test_a_few_frames_do_not_say_whose_voice_it_is():
    heard = Sound(0, np.full(5, True), [("A",)] * 5, np.zeros(5, np.float32))
    assert voice_of(np.full(5, True), heard) is None
