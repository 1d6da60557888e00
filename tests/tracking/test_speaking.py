import numpy as np
import pytest

from vidlib.tracking.blendshapes import SPEECH_SHAPES
from vidlib.tracking.speaking import (
    MAX_LAG_FRAMES,
    SPEAKING_THRESHOLD,
    Mouth,
    Sound,
    SpeakerMatch,
    correlation_with_sound,
    match_speaker,
    speaking_confidence,
    speaking_log_odds,
)

N = 90
BURSTS = np.arange(N) % 30 < 15
"""Speech for 15 frames, and silence for 15."""

SYLLABLES = BURSTS & (np.arange(N) % 4 < 2)
"""Where the speech is loud."""


def sound(speech=True, speakers=("A",)) -> Sound:
    return Sound(0, np.full(N, speech), [speakers] * N, samples(np.where(SYLLABLES, 0.3, 0.01)))


def samples(loudness: np.ndarray) -> np.ndarray:
    return np.repeat(loudness.astype(np.float32)[:, np.newaxis], 640, axis=1)


def mouth(moves: np.ndarray, start: int = 0) -> Mouth:
    """Opens and closes every other frame by 0.2 where it ``moves``."""
    opening = np.where(moves & (np.arange(len(moves)) % 4 < 2), 0.2, 0.0)
    return Mouth(start, np.repeat(opening[:, np.newaxis], len(SPEECH_SHAPES), axis=1).astype(np.float32))


def confidence_of(mouths: list[Mouth], sound: Sound, model: list[np.ndarray] | None = None) -> list[np.ndarray]:
    """The confidence that each of the faces with these mouths speaks."""
    log_odds = [
        speaking_log_odds(mouth, sound, *([model[index]] if model else [])) for index, mouth in enumerate(mouths)
    ]
    return speaking_confidence([mouth.start for mouth in mouths], log_odds, sound)


MOVING, STILL = np.full(N, True), np.full(N, False)


def test_a_mouth_that_moves_with_the_sound_speaks():
    (confidence,) = confidence_of([mouth(BURSTS)], sound())
    assert (confidence > SPEAKING_THRESHOLD).all() and (confidence < 1).all()


@pytest.mark.parametrize(("moves", "speech"), [(MOVING, False), (STILL, True)], ids=["silence", "mouth shut"])
def test_neither_sound_nor_movement_alone_is_speaking(moves, speech):
    (confidence,) = confidence_of([mouth(moves)], sound(speech))
    assert (confidence <= SPEAKING_THRESHOLD).all()


def test_of_two_moving_mouths_the_one_that_fits_the_sound_speaks():
    chewing, talking = confidence_of([mouth(~BURSTS), mouth(BURSTS)], sound())
    assert (talking[BURSTS] > SPEAKING_THRESHOLD).all()
    assert not (chewing[BURSTS] > SPEAKING_THRESHOLD).any()


def test_two_faces_may_speak_where_two_speakers_are_heard():
    for confidence in confidence_of([mouth(BURSTS), mouth(BURSTS)], sound(speakers=("A", "B"))):
        assert (confidence > SPEAKING_THRESHOLD).all()


def test_faces_need_not_be_visible_for_the_whole_shot():
    early, late = confidence_of([mouth(BURSTS[:40]), mouth(BURSTS[50:], start=50)], sound())
    assert len(early) == len(late) == 40
    assert (early > SPEAKING_THRESHOLD).all() and (late > SPEAKING_THRESHOLD).all()


def test_a_mouth_without_known_shapes_does_not_speak():
    (confidence,) = confidence_of([Mouth(0, np.full((N, len(SPEECH_SHAPES)), np.nan, np.float32))], sound())
    assert not (confidence > SPEAKING_THRESHOLD).any()


def test_no_face_no_speaker():
    assert speaking_confidence([], [], sound()) == []


@pytest.mark.parametrize("shift", [0, MAX_LAG_FRAMES, -MAX_LAG_FRAMES, 15])
def test_the_correlation_with_the_sound_tolerates_a_small_lag(shift):
    correlation = correlation_with_sound(BURSTS.astype(float), np.roll(BURSTS, shift).astype(float))
    assert (correlation[N // 2] == pytest.approx(1)) == (abs(shift) <= MAX_LAG_FRAMES)


YES, NO = np.full(N, 6.0), np.full(N, -6.0)
"""Log-odds of the active speaker model."""


def test_the_active_speaker_model_has_a_veto_and_otherwise_the_lips_decide():
    (alone,) = confidence_of([mouth(BURSTS)], sound())
    (agreed,), (vetoed,) = (confidence_of([mouth(BURSTS)], sound(), [model]) for model in (YES, NO))
    assert agreed == pytest.approx(alone)
    assert not (vetoed > SPEAKING_THRESHOLD).any()


def test_without_landmarks_the_active_speaker_model_decides():
    turned_away = Mouth(0, np.full((N, len(SPEECH_SHAPES)), np.nan, np.float32))
    (talks,), (silent,) = (confidence_of([turned_away], sound(), [model]) for model in (YES, NO))
    assert (talks > SPEAKING_THRESHOLD).all() and not (silent > SPEAKING_THRESHOLD).any()


def test_faces_compete_for_the_voices_that_are_heard():
    (alone,) = confidence_of([mouth(BURSTS)], sound())
    beside_another = confidence_of([mouth(BURSTS), mouth(BURSTS)], sound())
    both_heard = confidence_of([mouth(BURSTS), mouth(BURSTS)], sound(speakers=("A", "B")))
    assert all((one < other).all() for one, other in zip(beside_another, both_heard, strict=True))
    assert all((one < alone).all() for one in beside_another)
    assert both_heard == [pytest.approx(alone)] * 2


def test_a_confidence_is_the_share_of_all_that_may_be_the_case():
    """Odds of 3 and 1, one voice heard: nobody 1, either 3 or 1, both 3 x 0.2."""
    likely, unlikely = speaking_confidence([0, 0], [np.full(N, np.log(3)), np.zeros(N)], sound())
    assert likely == pytest.approx((3 + 0.6) / (1 + 3 + 1 + 0.6))
    assert unlikely == pytest.approx((1 + 0.6) / (1 + 3 + 1 + 0.6))


def test_the_label_heard_while_a_face_speaks_belongs_to_it():
    assert match_speaker(MOVING, [("A",)] * N) == SpeakerMatch("A", pytest.approx(N / (N + 5)))
    assert match_speaker(STILL, [("A",)] * N) is None


def test_a_label_that_is_mostly_heard_while_a_face_is_silent_does_not_belong_to_it():
    assert match_speaker(np.arange(N) < N // 3, [("A",)] * N) is None


def test_a_few_frames_are_too_few_for_a_match():
    assert match_speaker(np.full(5, True), [("A",)] * 5) is None


def test_a_label_that_is_heard_without_the_face_matches_less_surely():
    expected = SpeakerMatch("A", pytest.approx(60 / (N + 5)))
    assert match_speaker(np.arange(N) < 2 * N // 3, [("A",)] * N) == expected
    assert match_speaker(MOVING, [("A",) if n < 60 else ("B",) for n in range(N)]) == expected
