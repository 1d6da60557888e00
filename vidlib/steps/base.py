"""The contract of a step: a module with ``Inputs``, ``Params``, ``Outputs`` and ``run``, and the manifest of each run.

A step module declares everything about the step:

    NAME = "scenes"                     its key in params and folders
    VERSION = 1                         raised whenever the same inputs would give other bytes
    NOTEBOOK = "04_scenes.ipynb"
    PAGE = "report.html"                page that the pipeline makes of the executed notebook (optional)
    UNIT = "frames"                     unit of its progress (optional)
    TOOLS = ("openvino",)               packages (or "ffmpeg") whose version can change bytes
    def weights(params) -> tuple        names of the models in the vault that it loads (optional)
    def more_tools(params) -> tuple     packages that it uses with these params only (optional)
    class Inputs(Frozen)                its inputs (`from_step`, `from_source`) and where it writes (`location`)
    class Params(Frozen)                the choices of a user; a later one is an `added_param`
    class Outputs(StepOutputs)          its results; files are `OutFile`, those for others `published`, `archived`
    def verify(inputs, outputs)         raises BrokenOutput unless the outputs keep every promise
    def verify_external(outputs)        raises BrokenOutput unless files outside its folder are intact (optional)
    @with_manifest
    def run(inputs, params, *, report=quiet) -> Outputs
"""

import functools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, ValidationError, ValidationInfo

from vidlib import vault
from vidlib.errors import BrokenOutput, ParamError
from vidlib.files import FileRecord, canonical_json, sha256, sha256_text, write_json
from vidlib.media import ffmpeg
from vidlib.params import Frozen
from vidlib.progress import PROGRESS_FILE, Report, quiet
from vidlib.results.naming import folder_name, is_finished_name
from vidlib.results.review import ReviewItem
from vidlib.text import format_bytes

MANIFEST = "outputs.json"

SCRATCH = "tmp"
"""Folder of the workspace for the results of notebooks that people run by hand."""


def _under_folder(value: Any, info: Any) -> Any:
    return Path(info.context["folder"]) / value if info.context and value is not None else value


def _from_folder(path: Path, info: Any) -> str:
    return str(path.relative_to(info.context["folder"])) if info.context else str(path)


OutFile = Annotated[Path, BeforeValidator(_under_folder), PlainSerializer(_from_folder)]
"""A file that a step writes: an absolute path in Python, relative to the step's folder in the manifest."""


def _count_frames(frames: int, info: ValidationInfo) -> int:
    """The given number, or that of the input ``video``, which was validated before."""
    from vidlib.media.probe import frame_times, probe_video

    video = info.data.get("video")
    return frames or (len(frame_times(probe_video(video))) if video else 0)


FrameCount = Annotated[int, AfterValidator(_count_frames), Field(ge=0, validate_default=True)]
"""The number of frames of the input ``video``; 0 has them counted."""


def from_source(description: str) -> Any:
    """An input: the file as it arrived."""
    return Field(description=description, json_schema_extra={"from": "source"})


def from_step(step: str, output: str, description: str = "", *, default: Any = ..., added: bool = False) -> Any:
    """An input: the ``output`` of an earlier ``step``. It is optional if it has a ``default``.

    One that was ``added`` later leaves the fingerprint as it was where it has its default (see `added_param`).
    """
    return Field(default, description=description, json_schema_extra={"from": f"{step}.{output}", "added": added})


def location(description: str, *, default: Any = ...) -> Any:
    """An input that says where to write, or where to read first; it cannot change a byte of the outputs."""
    return Field(default, description=description, json_schema_extra={"location": True})


def published(result: str, description: str, *, default: Any = ...) -> Any:
    """An output that editors find beside the video, as the ``result`` of that name in `vidlib.results.naming`."""
    return Field(default, description=description, json_schema_extra={"published": result})


def archived(result: str, description: str, *, default: Any = ...) -> Any:
    """An output that the archive keeps, as the ``result`` of that name in `vidlib.results.naming.ARCHIVED`."""
    return Field(default, description=description, json_schema_extra={"archived": result})


def added_param(default: Any, description: str, **constraints: Any) -> Any:
    """A parameter that was added to a step later, with the ``constraints`` of `pydantic.Field`.

    At its default the step does what it did before, so the fingerprint and the manifest then leave it out, and the
    results of earlier versions stay valid.
    """
    return Field(default, description=description, json_schema_extra={"added": True}, **constraints)


def canonical_params(params: BaseModel) -> dict[str, Any]:
    """The parameters that determine a fingerprint: all but those of `added_param` that have their defaults."""
    values = params.model_dump(mode="json")
    unchanged = set(_added_defaults(params))
    return {name: value for name, value in values.items() if name not in unchanged}


def _added_defaults(values: BaseModel) -> Iterator[str]:
    """The fields that were added to a step later and have their defaults."""
    for name, extra in _extras(type(values)):
        if extra.get("added") and getattr(values, name) == type(values).model_fields[name].default:
            yield name


class StepOutputs(Frozen):
    """Outputs that every step has besides its files."""

    engine: str = Field("", description="engine that did the work")
    device: str = Field("cpu", description="device that it ran on: cpu, cuda")
    fallback: str | None = Field(None, description="why engine or device are not the requested ones")
    doubts: tuple[ReviewItem, ...] = Field((), description="what a person should check, what matters most first")

    def _repr_html_(self) -> str:
        """Two tables for notebooks: the files with size and content, and the other values."""
        fields = {name: field.description or "" for name, field in type(self).model_fields.items()}
        files, values = [], []
        for name, value in self:
            if paths := list(_paths_in(value)):
                files.append(
                    (_file_label(paths), format_bytes(sum(path.stat().st_size for path in paths)), fields[name])
                )
            elif name != "doubts" and value not in (None, "", (), {}):
                values.append((name, str(value), fields[name]))
        values.append(("to check", str(len(self.doubts)), fields["doubts"]))
        return _html_table(("file", "size", "content"), files) + _html_table(("output", "value", "meaning"), values)


class Manifest(Frozen):
    """The record of one finished step: ``outputs.json`` beside its files."""

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

    @property
    def corrections(self) -> set[str]:
        """The ids of the corrections of people that the result has."""
        return {decision["id"] for decision in self.inputs.get("corrections", ())}

    def check(self, folder: Path) -> None:
        """Raise BrokenOutput, with the name of the file, if a file is missing or its size or SHA-256 changed."""
        for name, record in self.files.items():
            record.check(folder / name)

    def check_name(self, folder: Path) -> None:
        """Raise BrokenOutput if ``folder`` has the name of a finished step with another fingerprint."""
        if is_finished_name(folder.name) and folder.name != folder_name(self.step, self.fingerprint):
            raise BrokenOutput(
                f"{folder} was changed after it was finished: it now holds {folder_name(self.step, self.fingerprint)}"
            )


@dataclass(frozen=True)
class Step:
    """A step module and its declarations."""

    module: ModuleType

    @property
    def name(self) -> str:
        return self.module.NAME

    @property
    def notebook(self) -> str:
        return self.module.NOTEBOOK

    @property
    def page(self) -> str | None:
        """The page that the pipeline makes of the executed notebook."""
        return getattr(self.module, "PAGE", None)

    @property
    def unit(self) -> str:
        """The unit of its progress: frames, bytes, seconds of sound, files."""
        return getattr(self.module, "UNIT", "parts")

    @property
    def sources(self) -> dict[str, str]:
        """``{input: "source" or "step.output"}`` for the inputs that the source file or an earlier step supplies."""
        return {name: origin for name, extra in _extras(self.module.Inputs) if (origin := extra.get("from"))}

    @property
    def needs(self) -> set[str]:
        """The steps whose outputs this one needs."""
        return {origin.split(".")[0] for origin in self.sources.values() if "." in origin}

    @property
    def corrected(self) -> bool:
        """Whether people can correct its results; see `vidlib.steps.corrected`."""
        return "corrections" in self.module.Inputs.model_fields

    @property
    def locations(self) -> list[str]:
        """The inputs that say where to write or read, and do not change a byte of the outputs."""
        return [name for name, extra in _extras(self.module.Inputs) if extra.get("location")]

    @property
    def published(self) -> dict[str, str]:
        """``{result: output}`` for the outputs that editors find beside the video."""
        return {extra["published"]: name for name, extra in _extras(self.module.Outputs) if "published" in extra}

    @property
    def archived(self) -> dict[str, str]:
        """``{result: output}`` for the outputs that the archive keeps although editors do not need them."""
        return {extra["archived"]: name for name, extra in _extras(self.module.Outputs) if "archived" in extra}

    def wire(self, source: Path | None, done: Mapping[str, BaseModel], **others: Any) -> BaseModel:
        """The inputs of this step: the ``source`` file, outputs of the steps that are ``done``, and ``others``."""
        values = dict(others)
        for name, origin in self.sources.items():
            step, _, output = origin.partition(".")
            values[name] = source if origin == "source" else getattr(done[step], output)
        return self.module.Inputs(**values)

    def ingredients(self, inputs: BaseModel, params: BaseModel) -> dict[str, Any]:
        """Everything that determines the bytes of the outputs, in a form that two runs can compare."""
        weights = self.module.weights(params) if hasattr(self.module, "weights") else ()
        tools = self.module.more_tools(params) if hasattr(self.module, "more_tools") else ()
        left_out = {*self.locations, *_added_defaults(inputs)}
        return {
            "step": self.name,
            "version": self.module.VERSION,
            "params": canonical_params(params),
            "inputs": {name: _content(value) for name, value in inputs if name not in left_out},
            "weights": {name: vault.fingerprint(name) for name in weights},
            "tools": {name: tool_version(name) for name in (*self.module.TOOLS, *tools)},
        }

    def outputs(self, folder: Path) -> StepOutputs:
        """The outputs of the finished step in ``folder``; raises BrokenOutput if something is missing or changed."""
        manifest = Manifest.read(folder)
        manifest.check_name(folder)
        manifest.check(folder)
        outputs = self.module.Outputs.model_validate(manifest.outputs, context={"folder": folder})
        if hasattr(self.module, "verify_external"):
            self.module.verify_external(outputs)
        return outputs


def _extras(model: type[BaseModel]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in model.model_fields.items():
        yield name, field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def fingerprint_of(ingredients: Mapping[str, Any]) -> str:
    """SHA-256 of the ingredients of a step (see `Step.ingredients`), 64 hex digits. Equal ones mean equal outputs."""
    return sha256_text(canonical_json(ingredients))


def with_manifest(run: Callable[..., Any]) -> Callable[..., Any]:
    """Make a step's ``run`` verify its outputs and write the manifest that makes its folder a finished step.

    ``run`` then raises ParamError if the folder holds a published result.
    """

    @functools.wraps(run)
    def run_and_record(inputs: Any, params: BaseModel, *, report: Report = quiet) -> StepOutputs:
        step = Step(sys.modules[run.__module__])
        started = time.monotonic()
        _refuse_published(Path(inputs.out_dir))
        Path(inputs.out_dir).mkdir(parents=True, exist_ok=True)
        outputs = run(inputs, params, report=report)
        step.module.verify(inputs, outputs)
        _write_manifest(step, inputs, params, outputs, time.monotonic() - started)
        return outputs

    return run_and_record


def _refuse_published(out_dir: Path) -> None:
    if is_finished_name(out_dir.name) and (out_dir / MANIFEST).exists():
        raise ParamError(f'out_dir = "{out_dir}" holds a finished result, which is never changed; set out_dir = ""')


def _write_manifest(step: Step, inputs: Any, params: BaseModel, outputs: StepOutputs, seconds: float) -> None:
    folder = Path(inputs.out_dir)
    (folder / PROGRESS_FILE).unlink(missing_ok=True)
    ingredients = step.ingredients(inputs, params)
    files = {str(p.relative_to(folder)): p for p in sorted(_paths_in(outputs))}
    manifest = Manifest(
        **ingredients,
        fingerprint=fingerprint_of(ingredients),
        outputs=outputs.model_dump(mode="json", context={"folder": folder}),
        files={name: FileRecord.from_file(path) for name, path in files.items()},
        seconds=round(seconds, 3),
        finished_at=datetime.now(UTC),
    )
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def _paths_in(value: Any) -> Iterator[Path]:
    """Every path in a value, a sequence or a model, at any depth."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        yield from _paths_in([item for _, item in value])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths_in(item)


def _file_label(paths: Sequence[Path]) -> str:
    """``shots.json``, or ``key_frames/*.jpg (16 files)`` for many."""
    first = paths[0]
    return first.name if len(paths) == 1 else f"{first.parent.name}/*{first.suffix} ({len(paths)} files)"


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>" if rows else ""


def _content(value: Any) -> Any:
    """The part of an input that determines bytes: the SHA-256 of a file, the value of anything else."""
    if isinstance(value, Path):
        return sha256(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseModel):
        left_out = set(_added_defaults(value))
        return {name: _content(item) for name, item in value if name not in left_out}
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
