"""``vidlib evaluate``: what it prints, on which stream, and its exit codes."""

import json
import sys
from pathlib import Path

import pytest

from tests import evaluated
from vidlib import cli
from vidlib.results.exports import rttm
from vidlib.settings import Settings
from vidlib.timeline import Turn


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, workspace: Settings):
    """``run(*args)``: exit code, stdout and stderr of ``vidlib evaluate``."""

    def call(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vidlib", "evaluate", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return evaluated.publish(tmp_path / "project" / "docs")


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return evaluated.write_truth(tmp_path / "film.truth.json")


def test_one_json_document_comes_on_stdout(run, docs, truth):
    code, out, _ = run(docs, truth, "--json")
    document = json.loads(out)
    assert (code, document["video"]) == (0, "film")
    found = {(row["part"], row["measure"]): row["value"] for row in document["scores"] if row["subset"] == "all"}
    assert found["shots", "F1"] == found["faces", "found"] == found["speaking", "F1"] == 1
    assert found["voices", "error rate"] == 0
    assert any("types of boundaries" in line for line in document["missing"])


def test_a_table_comes_for_people_and_what_is_missing_on_stderr(run, docs, truth):
    (docs / "film_tracking.parquet").unlink()
    code, out, err = run(docs, truth)
    assert code == 0
    assert "error rate" in out
    assert "faces" not in out
    assert "film_tracking.parquet is not in" in err


def test_rttm_counts_instead_of_what_the_truth_calls_audible(run, docs, truth, tmp_path):
    voices = rttm.write(tmp_path / "voices.rttm", [Turn(0.0, 4.0, "A")])
    _, out, _ = run(docs, truth, "--rttm", voices, "--json")
    (value,) = [row["value"] for row in json.loads(out)["scores"] if row["measure"] == "false alarm"]
    assert value == pytest.approx(2.8)


def test_help_teaches_with_an_example(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "vidlib evaluate workspace/projects/Film film.truth.json" in " ".join(out.split())


def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(run, docs, truth, tmp_path):
    wrong = tmp_path / "wrong.truth.json"
    wrong.write_text(truth.read_text().replace('"fps":25', '"fps":30'))
    mistakes = [
        ((docs, wrong), "fps = 30: Input should be 25"),
        ((docs, tmp_path / "nowhere.json"), "expected a file such as film.truth.json"),
        ((tmp_path / "nowhere", truth), "there is no video"),
        ((docs, truth, "--rttm", tmp_path / "nowhere.rttm"), "expected an RTTM file"),
        ((docs, truth, "--rttm", docs / "film.rttm"), "is the result itself"),
    ]
    for args, says in mistakes:
        code, out, err = run(*args)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert says in err
