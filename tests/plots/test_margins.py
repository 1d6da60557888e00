"""Nothing that a figure says is cut off at its edge, and no row of it is hidden by the next."""

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tests import evaluated, finished, sample_media
from vidlib.evaluation.scores import evaluate
from vidlib.plots import archive, delivery, quality, reduced, report, shots, speech, tracks
from vidlib.plots import media as media_plots
from vidlib.results.exports import tracking_table
from vidlib.steps import reduce
from vidlib.timeline import Turn

SCORES = pd.DataFrame({"begins": np.linspace(0, 1, 50), "gradual": 0.1, "brightness": np.linspace(0, 255, 50)})
TURNS = [Turn(start, start + 1.5, f"SPEAKER_{start:02}", 0.4) for start in range(12)]
LANES = [report.Row(turn.speaker, "#4477aa", [(turn.start_s, turn.stop_s)]) for turn in TURNS]
TIMES = [Fraction(n, 25) for n in range(50)]
LISTING = {
    "videos": [
        {
            "stem": "Interview with a very long name, second camera, part 3",
            "delivered": [
                {"path": f"Interview with a very long name, second camera, part 3{suffix}", "size": 10 ** (7 - place)}
                for place, suffix in enumerate((".mp4", *delivery.RESULTS))
            ],
        }
    ],
    "left_out": [{"stem": "broken"}],
}


def files(folder: Path) -> list[Path]:
    made = [folder / "a.mp4", folder / ("a long name that goes on and on " * 3) / "b.wav"]
    for size, path in enumerate(made, 7):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(10 ** (size - 3)))
    return made


def table(folder: Path, **others: object) -> pd.DataFrame:
    steps = finished.all_steps(folder, video=sample_media.clip(folder / "clip.mp4"), **others)
    return tracking_table.read(steps["tracking"] / "tracking.parquet")


def small_files(folder: Path) -> tuple[dict, dict]:
    found = finished.all_steps(folder, video=sample_media.clip(folder / "clip.mp4"))["tracking"]
    (folder / "reduce").mkdir()
    made = reduce.run(
        reduce.Inputs(
            frames=sample_media.N_FRAMES,
            tracks=found / "tracking.parquet",
            speech=found / "speech.parquet",
            turns=found / "speech.rttm",
            out_dir=folder / "reduce",
        ),
        reduce.Params(),
    )
    return json.loads(made.tracking_json.read_text()), json.loads(made.audio_json.read_text())


FIGURES: dict[str, Callable[[Path], Figure]] = {
    "largest files": lambda folder: archive.largest_files(files(folder), folder),
    "delivered videos": lambda _: delivery.videos(LISTING),
    "delivered results": lambda _: delivery.results(LISTING),
    "frame spacing": lambda _: media_plots.frame_spacing(TIMES, TIMES),
    "sound level": lambda _: media_plots.sound_level(np.ones(32000, np.float32)),
    "right shares": lambda _: quality.shares(evaluate(evaluated.TRUTH, evaluated.found()).table()),
    "true shots": lambda _: quality.shots(evaluated.TRUTH.spans(), evaluated.SHOTS),
    "positions": lambda folder: reduced.positions(*small_files(folder)),
    "shares of speech": lambda folder: reduced.speaker_shares(small_files(folder)[1]),
    "timeline of a report": lambda _: report.timeline([((0, 8), "start"), ((8, 14), "cut")], LANES, LANES, 14),
    "scores": lambda _: shots.scores(SCORES, finished.SHOTS, 0.5),
    "shot lengths": lambda _: shots.lengths(finished.SHOTS),
    "turns": lambda _: speech.turns(TURNS, np.ones(16000, np.float32), 14),
    "seconds of speech": lambda _: speech.shares({turn.speaker: 1000.5 for turn in TURNS}),
    "confidences": lambda _: speech.confidences(TURNS, 0.5, 3600),
    "timeline of tracks": lambda folder: tracks.timeline(table(folder), finished.SHOTS),
    "mouths": lambda folder: tracks.mouths(table(folder), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_the_whole_figure_is_visible(name, tmp_path):
    figure = FIGURES[name](tmp_path)
    figure.draw_without_rendering()
    (width, height), said = figure.get_size_inches(), figure.get_tightbbox()
    assert min(said.x0, said.y0, width - said.x1, height - said.y1) > -0.01
    rows = [ax.get_tightbbox() for ax in figure.axes]
    assert all(upper.y0 > lower.y1 - 1 for upper, lower in pairwise(rows))


def test_a_film_without_faces_has_figures_too(tmp_path):
    nobody = table(tmp_path, tracks=[])
    for figure in (tracks.timeline(nobody, finished.SHOTS), tracks.mouths(nobody, tracks.busiest_shot(nobody))):
        assert figure._repr_png_()
