"""What a step is: a module with ``Inputs``, ``Params``, ``Outputs`` and ``run``, and the record that every run leaves.

A step module says all there is to know about it:

    NAME = "scenes"                     its key in params and folders
    VERSION = 1                         raised whenever the same inputs would give other bytes
    NOTEBOOK = "04_scenes.ipynb"
    UNIT = "frames"                     what its progress is counted in           (optional)
    TOOLS = ("openvino",)               packages (or "ffmpeg") whose version can change bytes
    def weights(params) -> tuple        names of the vault's models that it loads      (optional)
    class Inputs(Frozen)                what it reads: `from_step`, `from_source`, and where it writes: `place`
    class Params(Frozen)                what a user may choose
    class Outputs(StepOutputs)          what it leaves; files are `OutFile`
    def verify(inputs, outputs)         raises BrokenOutput unless the outputs keep every promise
    def standing(outputs)               raises BrokenOutput unless what it left outside its folder is there (optional)
    @recorded
    def run(inputs, params, *, report=quiet) -> Outputs
"""

import functools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, ValidationError

from vidlib import vault
from vidlib.errors import BrokenOutput
from vidlib.files import FileRecord, canonical_json, sha256, sha256_text, write_json
from vidlib.media import ffmpeg
from vidlib.params import Frozen
from vidlib.progress import PROGRESS_FILE, Report, quiet

MANIFEST = "outputs.json"


def _under_folder(value: Any, info: Any) -> Any:
    return Path(info.context["folder"]) / value if info.context and value is not None else value


def _from_folder(path: Path, info: Any) -> str:
    return str(path.relative_to(info.context["folder"])) if info.context else str(path)


OutFile = Annotated[Path, BeforeValidator(_under_folder), PlainSerializer(_from_folder)]
"""A file that a step leaves: an absolute path in Python, relative to the step's folder in its manifest."""


def from_source(description: str) -> Any:
    """An input that is the file as it arrived."""
    return Field(description=description, json_schema_extra={"from": "source"})


def from_step(step: str, output: str, description: str = "", *, default: Any = ...) -> Any:
    """An input that is the ``output`` of an earlier ``step``; with a ``default``, it may be left out."""
    return Field(default, description=description, json_schema_extra={"from": f"{step}.{output}"})


def place(description: str) -> Any:
    """An input that says where to write or what to call it, and cannot change a byte of what is written."""
    return Field(description=description, json_schema_extra={"place": True})


class Doubt(Frozen):
    """Something a human should look at: what, at which frame (0-based), and how sure the machine is, in [0, 1]."""

    message: str
    frame: int | None = None
    confidence: float = Field(0.0, ge=0, le=1)


class StepOutputs(Frozen):
    """What every step says beside the files that it leaves."""

    engine: str = Field("", description="what did the work")
    device: str = Field("cpu", description="where it really ran: cpu, cuda")
    fallback: str | None = Field(None, description="why engine or device is not what was asked for")
    doubts: tuple[Doubt, ...] = Field((), description="what a human should check, most doubtful first")


class Manifest(Frozen):
    """The record of one finished step, beside its files as ``outputs.json``."""

    step: str
    version: int
    fingerprint: str
    params: dict[str, Any]
    inputs: dict[str, Any]
    weights: dict[str, str]
    tools: dict[str, str]
    outputs: dict[str, Any]
    files: dict[str, FileRecord]
    seconds: float
    finished_at: datetime

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in ``folder``; raises BrokenOutput if there is none or it does not parse."""
        try:
            return cls.model_validate_json((folder / MANIFEST).read_bytes())
        except (OSError, ValidationError) as error:
            raise BrokenOutput(f"{folder}: no sound {MANIFEST} in it: {error}") from error

    def check(self, folder: Path) -> None:
        """Raise BrokenOutput, naming the file, unless every file is there with the size and SHA-256 it had."""
        for name, record in self.files.items():
            record.check(folder / name)


@dataclass(frozen=True)
class Step:
    """A step module, by what it declares."""

    module: ModuleType

    @property
    def name(self) -> str:
        return self.module.NAME

    @property
    def notebook(self) -> str:
        return self.module.NOTEBOOK

    @property
    def unit(self) -> str:
        """What its progress is counted in: frames, bytes, seconds of sound, files."""
        return getattr(self.module, "UNIT", "parts")

    @property
    def sources(self) -> dict[str, str]:
        """``{input field: "source" or "step.output"}`` for the inputs that something else supplies."""
        return {name: origin for name, extra in self._extras() if (origin := extra.get("from"))}

    @property
    def needs(self) -> set[str]:
        """The steps whose outputs this one reads."""
        return {origin.split(".")[0] for origin in self.sources.values() if "." in origin}

    def wire(self, source: Path | None, done: Mapping[str, BaseModel], **others: Any) -> BaseModel:
        """This step's inputs: from the ``source`` file, from the outputs of steps that are ``done``, and ``others``."""
        values = dict(others)
        for name, origin in self.sources.items():
            step, _, output = origin.partition(".")
            values[name] = source if origin == "source" else getattr(done[step], output)
        return self.module.Inputs(**values)

    def ingredients(self, inputs: BaseModel, params: BaseModel) -> dict[str, Any]:
        """Everything that decides which bytes come out, in a form that two runs can compare."""
        places = {name for name, extra in self._extras() if extra.get("place")}
        weights = self.module.weights(params) if hasattr(self.module, "weights") else ()
        return {
            "step": self.name,
            "version": self.module.VERSION,
            "params": params.model_dump(mode="json"),
            "inputs": {name: _content(value) for name, value in inputs if name not in places},
            "weights": {name: vault.MODELS[name].sha256 for name in weights},
            "tools": {name: tool_version(name) for name in self.module.TOOLS},
        }

    def fingerprint(self, inputs: BaseModel, params: BaseModel) -> str:
        """SHA-256 of the `ingredients`, 64 hex digits: the same one means the same files come out."""
        return fingerprint_of(self.ingredients(inputs, params))

    def outputs(self, folder: Path) -> StepOutputs:
        """What the finished step in ``folder`` left; raises BrokenOutput unless all of it is there and unchanged."""
        manifest = Manifest.read(folder)
        manifest.check(folder)
        outputs = self.module.Outputs.model_validate(manifest.outputs, context={"folder": folder})
        if hasattr(self.module, "standing"):
            self.module.standing(outputs)
        return outputs

    def _extras(self) -> Iterator[tuple[str, dict]]:
        for name, field in self.module.Inputs.model_fields.items():
            yield name, field.json_schema_extra or {}


def fingerprint_of(ingredients: Mapping[str, Any]) -> str:
    """SHA-256 of the ingredients of a step (see `Step.ingredients`), 64 hex digits."""
    return sha256_text(canonical_json(ingredients))


def recorded(run: Callable) -> Callable:
    """Make a step's ``run`` check what it left, and write the manifest that makes its folder a finished step."""

    @functools.wraps(run)
    def run_and_record(inputs: BaseModel, params: BaseModel, *, report: Report = quiet) -> StepOutputs:
        step = Step(sys.modules[run.__module__])
        started = time.monotonic()
        Path(inputs.out_dir).mkdir(parents=True, exist_ok=True)
        outputs = run(inputs, params, report=report)
        step.module.verify(inputs, outputs)
        _write_manifest(step, inputs, params, outputs, time.monotonic() - started)
        return outputs

    return run_and_record


def _write_manifest(step: Step, inputs: Any, params: BaseModel, outputs: StepOutputs, seconds: float) -> None:
    folder = Path(inputs.out_dir)
    (folder / PROGRESS_FILE).unlink(missing_ok=True)
    ingredients = step.ingredients(inputs, params)
    files = {str(p.relative_to(folder)): p for p in sorted(_files_of(outputs))}
    manifest = Manifest(
        **ingredients,
        fingerprint=fingerprint_of(ingredients),
        outputs=outputs.model_dump(mode="json", context={"folder": folder}),
        files={name: FileRecord.of(path) for name, path in files.items()},
        seconds=round(seconds, 3),
        finished_at=datetime.now(UTC),
    )
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def _files_of(value: Any) -> Iterator[Path]:
    """Every path in an outputs model, however deep."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        yield from _files_of([item for _, item in value])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _files_of(item)


def _content(value: Any) -> Any:
    """What counts of an input: of a file its SHA-256, of anything else its value."""
    if isinstance(value, Path):
        return sha256(value)
    if isinstance(value, BaseModel):
        return {name: _content(item) for name, item in value}
    if isinstance(value, list | tuple):
        return [_content(item) for item in value]
    return value


@functools.cache
def tool_version(name: str) -> str:
    """The version of a package, or of ffmpeg; ``absent`` where it is not installed."""
    if name == "ffmpeg":
        return ffmpeg.version()
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
