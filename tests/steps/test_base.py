"""The contract of a step, shown by the smallest one: this module is itself a step that counts the words of a text."""

import json
import sys
from pathlib import Path

import pytest

from vidlib import vault
from vidlib.errors import BrokenOutput
from vidlib.files import sha256, write_text
from vidlib.params import Frozen
from vidlib.progress import PROGRESS_FILE, quiet
from vidlib.results import naming
from vidlib.steps import PUBLISHED, base
from vidlib.steps.base import (
    Manifest,
    OutFile,
    Step,
    StepOutputs,
    fingerprint_of,
    from_source,
    from_step,
    location,
    with_manifest,
)
from vidlib.steps.finalize import FinishedVideo

NAME = "count"
VERSION = 1
NOTEBOOK = "99_count.ipynb"
TOOLS = ("pydantic", "no-such-package")


class Part(Frozen):
    """One of several files that a step reads."""

    title: str
    text: Path | None = None


class Inputs(Frozen):
    text: Path = from_source("a text")
    parts: tuple[Part, ...] = ()
    lines: int = from_step("split", "lines", "lines in the text")
    out_dir: Path = location("where to write")


class Params(Frozen):
    separator: str = " "


class Outputs(StepOutputs):
    words: OutFile
    pieces: tuple[OutFile, ...] = ()
    n_words: int


def weights(params: Params) -> tuple[str, ...]:
    return ("speech_segmentation",)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    if not outputs.n_words:
        raise BrokenOutput("the text has no words")


@with_manifest
def run(inputs: Inputs, params: Params, *, report=quiet) -> Outputs:
    words = inputs.text.read_text().split(params.separator)
    words = [word for word in words if word]
    write_text(inputs.out_dir / PROGRESS_FILE, "{}")
    return Outputs(
        words=write_text(inputs.out_dir / "words.txt", "\n".join(words)),
        pieces=tuple(write_text(inputs.out_dir / "pieces" / f"{n}.txt", word) for n, word in enumerate(words)),
        n_words=len(words),
    )


STEP = Step(sys.modules[__name__])


@pytest.fixture
def inputs(tmp_path):
    text = write_text(tmp_path / "text.txt", "one two three")
    return Inputs(text=text, lines=1, parts=(Part(title="a", text=text), Part(title="b")), out_dir=tmp_path / "out")


def fingerprint(inputs: Inputs, **params) -> str:
    return fingerprint_of(STEP.ingredients(inputs, Params(**params)))


def test_the_fingerprint_is_of_content_not_of_places(inputs, tmp_path):
    copy = write_text(tmp_path / "copy.txt", "one two three")
    moved = inputs.model_copy(update={"text": copy, "out_dir": tmp_path / "elsewhere"})
    assert fingerprint(moved) == fingerprint(inputs)


@pytest.mark.parametrize(
    "changes",
    [{"lines": 2}, {"parts": ()}, {"parts": (Part(title="a"), Part(title="b"))}],
    ids=["a value", "a list", "a file within a list"],
)
def test_another_input_is_another_fingerprint(inputs, changes):
    assert fingerprint(inputs.model_copy(update=changes)) != fingerprint(inputs)


def test_other_bytes_in_an_input_file_are_another_fingerprint(inputs):
    before = fingerprint(inputs)
    write_text(inputs.text, "one two four")
    assert fingerprint(inputs) != before


def test_another_parameter_is_another_fingerprint(inputs):
    assert fingerprint(inputs, separator=",") != fingerprint(inputs)


def test_another_version_tool_or_weight_is_another_fingerprint(inputs, monkeypatch):
    seen = {fingerprint(inputs)}
    with monkeypatch.context() as patch:
        patch.setattr(STEP.module, "VERSION", 2)
        seen.add(fingerprint(inputs))
    with monkeypatch.context() as patch:
        patch.setattr(base, "tool_version", lambda name: "another")
        seen.add(fingerprint(inputs))
    monkeypatch.setattr(STEP.module, "weights", lambda params: ("centerface",))
    seen.add(fingerprint(inputs))
    assert len(seen) == 4


def test_the_ingredients_can_be_read_by_a_person(inputs):
    ingredients = STEP.ingredients(inputs, Params())
    text = sha256(inputs.text)
    assert ingredients["inputs"] == {
        "text": text,
        "parts": [{"title": "a", "text": text}, {"title": "b", "text": None}],
        "lines": 1,
    }
    assert ingredients["weights"] == {"speech_segmentation": vault.MODELS["speech_segmentation"].sha256}
    assert ingredients["tools"]["no-such-package"] == "absent"


def test_a_run_leaves_a_record_of_every_file_with_its_hash(inputs):
    outputs = run(inputs, Params())
    manifest = Manifest.read(inputs.out_dir)
    assert set(manifest.files) == {"words.txt", "pieces/0.txt", "pieces/1.txt", "pieces/2.txt"}
    assert manifest.files["words.txt"].sha256 == sha256(outputs.words)
    assert manifest.fingerprint == fingerprint(inputs)
    assert manifest.seconds >= 0
    assert not (inputs.out_dir / PROGRESS_FILE).exists()


def test_the_record_names_no_place_so_the_folder_may_move(inputs, tmp_path):
    run(inputs, Params())
    assert str(tmp_path) not in (inputs.out_dir / "outputs.json").read_text()
    moved = inputs.out_dir.rename(tmp_path / "moved")
    outputs = STEP.outputs(moved)
    assert outputs.words == moved / "words.txt"
    assert outputs.pieces[2].read_text() == "three"


def test_what_comes_back_is_what_was_left(inputs):
    assert run(inputs, Params()) == STEP.outputs(inputs.out_dir)


def test_outputs_that_break_a_promise_are_not_recorded(inputs):
    write_text(inputs.text, "   ")
    with pytest.raises(BrokenOutput, match="no words"):
        run(inputs, Params())
    with pytest.raises(BrokenOutput, match=r"no sound outputs\.json"):
        STEP.outputs(inputs.out_dir)


@pytest.mark.parametrize("damage", ["changed", "cut", "removed"])
def test_a_folder_with_a_damaged_file_is_no_finished_step(inputs, damage):
    words = run(inputs, Params()).words
    text = words.read_text()
    words.unlink()
    if damage != "removed":
        words.write_text(text.upper() if damage == "changed" else text[:-1])
    with pytest.raises(BrokenOutput, match=r"words\.txt"):
        STEP.outputs(inputs.out_dir)


@pytest.mark.parametrize("text", ["", "{}", '{"step": "count", "ver', "\x00"])
def test_a_folder_with_half_a_record_is_no_finished_step(inputs, text):
    run(inputs, Params())
    (inputs.out_dir / "outputs.json").write_text(text)
    with pytest.raises(BrokenOutput, match=r"outputs\.json"):
        STEP.outputs(inputs.out_dir)


def test_what_a_step_left_elsewhere_has_to_stand_as_well(inputs, monkeypatch):
    run(inputs, Params())

    def verify_external(outputs):
        raise BrokenOutput(f"the printed copy of {outputs.n_words} words is gone")

    monkeypatch.setattr(STEP.module, "verify_external", verify_external, raising=False)
    with pytest.raises(BrokenOutput, match="printed copy of 3 words"):
        STEP.outputs(inputs.out_dir)


def test_a_step_is_wired_from_the_source_and_from_earlier_steps(tmp_path):
    class Split(StepOutputs):
        lines: int

    text = tmp_path / "text.txt"
    inputs = STEP.wire(text, {"split": Split(lines=7)}, out_dir=tmp_path)
    assert inputs == Inputs(text=text, lines=7, out_dir=tmp_path)
    assert STEP.needs == {"split"}
    assert STEP.sources == {"text": "source", "lines": "split.lines"}


def test_the_same_inputs_give_the_same_bytes(inputs, tmp_path):
    run(inputs, Params())
    run(inputs.model_copy(update={"out_dir": tmp_path / "again"}), Params())
    first, again = (json.loads((tmp_path / name / "outputs.json").read_text()) for name in ("out", "again"))
    for record in (first, again):
        del record["seconds"], record["finished_at"]
    assert first == again


def test_a_notebook_shows_the_files_of_a_step_with_size_and_meaning(inputs):
    html = run(inputs, Params())._repr_html_()
    assert "words.txt" in html
    assert "13 B" in html
    assert "pieces/*.txt (3 files)" in html
    assert "n_words" in html
    assert str(inputs.out_dir) not in html


def test_a_table_of_outputs_escapes_what_comes_from_files(inputs):
    write_text(inputs.text, "a")
    outputs = run(inputs, Params()).model_copy(update={"engine": "<script>"})
    assert "<script>" not in outputs._repr_html_()


def test_every_output_for_editors_has_a_file_name_and_a_place_in_the_delivery():
    assert {result for _, result, _ in PUBLISHED} == set(naming.PUBLISHED)
    assert set(FinishedVideo.model_fields) == {"stem", "source", "video", *naming.ARCHIVED}
