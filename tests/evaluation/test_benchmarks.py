"""The benchmarks of quality as programs: what they judge, and what they say when they cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import evaluated, media
from vidlib.settings import REPOSITORY


def run(script: str, *args: str | Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "benchmarks" / script), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("script", ["compose.py", "quality.py", "quality_voices.py"])
def test_help_teaches_with_examples(script):
    done = run(script, "--help")
    assert done.returncode == 0
    assert f"python benchmarks/{script}" in done.stdout


def test_results_that_are_there_are_judged_without_running_a_step(tmp_path):
    film = media.clip(tmp_path / "film.mp4")
    truth, docs = evaluated.write_truth(tmp_path / "film.truth.json"), evaluated.publish(tmp_path / "docs")
    table = run("quality.py", film, truth, "--results", docs)
    assert (table.returncode, table.stderr) == (0, "")
    assert "error rate" in table.stdout
    (document,) = json.loads(run("quality.py", film, truth, "--results", docs, "--json").stdout)
    found = {(row["part"], row["measure"], row["subset"]): row["value"] for row in document["scores"]}
    assert found["faces", "found", "all"] == found["shots", "F1", "all"] == 1


def test_without_a_source_the_composer_says_what_it_takes():
    done = run("compose.py")
    assert done.returncode == 0
    assert "--from film.mp4 film.truth.json" in done.stdout


@pytest.mark.parametrize(
    ("script", "args", "says"),
    [
        ("quality.py", ["film.mp4"], "expected VIDEO TRUTH [RTTM]"),
        ("quality.py", ["film.mp4", "nowhere.json"], "expected a file such as film.truth.json"),
        ("quality.py", ["film.mp4", "nowhere.json", "--set", "scenes.treshold=1"], "did you mean 'threshold'?"),
        ("compose.py", ["--from", "film.mp4", "nowhere.json"], "expected a file such as film.truth.json"),
        ("quality_voices.py", ["nonsense"], "expected as in film.mp4=film.rttm"),
        ("quality_voices.py", ["."], "has no .wav that an .rttm in it speaks of"),
    ],
)
def test_a_mistake_is_one_line_with_exit_code_2(script, args, says):
    done = run(script, *args)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
