"""The commands by which people correct results: ``vidlib correct ...``."""

import inspect
import shlex
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from vidlib.cli._options import RESULTS, AsJson, Command, Workspace, examples, print_json


class _VideoFirst(TyperGroup):
    """The commands, also with the video before them: ``vidlib correct film.mp4 add-cut 100``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if len(args) > 1 and args[0] not in self.commands and args[1] in self.commands:
            args = [args[1], args[0], *args[2:]]
        return super().parse_args(ctx, args)


correct = typer.Typer(
    cls=_VideoFirst,
    short_help="Put a result right. A correction stays, in every later run, export and report.",
    help="Put a result right: what a person decides stays, in every later run, export and report. "
    "Frames count from 0, and STOP is not included. `vidlib correct undo VIDEO` takes back the last decision.",
    epilog="The video may also come first: vidlib correct film.mp4 add-cut 100. docs/use/correct.md explains what a "
    "correction is about, and when it no longer fits.",
    no_args_is_help=True,
)

VideoName = Annotated[str, typer.Argument(help="A processed video, by path, name or SHA-256.", metavar="VIDEO")]
Frame = Annotated[int, typer.Argument(help="A frame, from 0.", metavar="FRAME")]
Start = Annotated[int, typer.Argument(help="The first frame.", metavar="START")]
Stop = Annotated[int, typer.Argument(help="The frame after the last one.", metavar="STOP")]
Track = Annotated[int, typer.Argument(help="A face: the track_id of its track.", metavar="TRACK")]
OtherTrack = Annotated[int, typer.Argument(help="Another face.", metavar="OTHER")]
Speaker = Annotated[str, typer.Argument(help="A speaker label, or a name.", metavar="SPEAKER")]
BoundaryKind = Annotated[Literal["cut", "dissolve", "fade"], typer.Argument(help="How the shot begins.")]
Apply = Annotated[bool, typer.Option("--apply", help="Apply all corrections now: run the steps that they change.")]

Fields = dict[str, Any]
"""The values of a decision, by the names of its fields."""


def add_commands(app: typer.Typer) -> None:
    """Add ``vidlib correct`` to ``app``."""
    for name, (command, lines) in COMMANDS.items():
        correct.command(name, epilog=examples(*lines))(command)
    app.add_typer(correct, name="correct", rich_help_panel=RESULTS)


def _decision(fields: Callable[..., Fields], applies: bool = True) -> Command:
    """The command that records a decision: VIDEO, the arguments of ``fields``, and the options of all decisions.

    The action is called like ``fields``, whose docstring is the help. ``applies`` says whether it has ``--apply``.
    """

    def command(
        video: VideoName, apply: Apply = False, workspace: Workspace = None, as_json: AsJson = False, **arguments: Any
    ) -> None:
        opened = _open(video, workspace)
        correction = opened.correct(fields.__name__.replace("_", "-"), **fields(**arguments))
        _print(opened, correction, apply, as_json, _how_to_apply(video, workspace))

    video, apply, workspace, as_json, _ = inspect.signature(command).parameters.values()
    options = [apply, workspace, as_json] if applies else [workspace, as_json]
    parameters = [video, *inspect.signature(fields).parameters.values(), *options]
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    command.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    command.__doc__ = fields.__doc__
    return command


def add_cut(frame: Frame, kind: BoundaryKind = "cut") -> Fields:
    """A shot begins at FRAME."""
    return {"frame": frame, "kind": kind}


def remove_cut(frame: Frame) -> Fields:
    """No shot begins at FRAME."""
    return {"frame": frame}


def move_cut(
    frame: Annotated[int, typer.Argument(help="The frame at which the shot begins now.", metavar="FROM")],
    to: Annotated[int, typer.Argument(help="The frame at which it really begins.", metavar="TO")],
) -> Fields:
    """The shot that begins at FROM begins at TO."""
    return {"frame": frame, "to": to}


def set_kind(frame: Frame, kind: BoundaryKind) -> Fields:
    """The shot at FRAME begins with a cut, a dissolve or a fade."""
    return {"frame": frame, "kind": kind}


def set_speaker(
    start: Start,
    stop: Stop,
    speaker: Annotated[str, typer.Argument(help="A label, a name, or `new` for a further speaker.", metavar="SPEAKER")],
) -> Fields:
    """SPEAKER says what is heard from START to STOP."""
    return {"start": start, "stop": stop, "speaker": speaker}


def join_speakers(
    speaker: Speaker,
    other: Annotated[str, typer.Argument(help="The label or name that goes.", metavar="OTHER")],
) -> Fields:
    """OTHER is SPEAKER: both labels are one person."""
    return {"speaker": speaker, "other": other}


def name(
    speaker: Speaker, name: Annotated[str, typer.Argument(help="The name of the person.", metavar="NAME")]
) -> Fields:
    """SPEAKER is the person called NAME, in every export and report."""
    return {"speaker": speaker, "name": name}


def merge(track: Track, other: OtherTrack) -> Fields:
    """TRACK and OTHER are one person."""
    return {"track": track, "other": other}


def different(track: Track, other: OtherTrack) -> Fields:
    """TRACK and OTHER are two people."""
    return {"track": track, "other": other}


def split(track: Track, frame: Frame) -> Fields:
    """From FRAME on, TRACK shows another person."""
    return {"track": track, "frame": frame}


def not_a_face(track: Track) -> Fields:
    """TRACK shows no face."""
    return {"track": track}


def speaking(
    track: Track,
    start: Start,
    stop: Stop,
    speaks: Annotated[Literal["yes", "no"], typer.Argument(help="Whether the face speaks.", metavar="yes|no")],
) -> Fields:
    """The face TRACK speaks from START to STOP, or does not."""
    return {"track": track, "start": start, "stop": stop, "speaks": speaks == "yes"}


def framing(
    frame: Frame,
    centre: Annotated[
        str, typer.Argument(help="Pixels from the left of the video, or `fit` for the whole picture.", metavar="CENTRE")
    ],
) -> Fields:
    """In another shape, such as 9:16, the shot at FRAME is shown around CENTRE. See `vidlib reframe`."""
    return {"frame": frame} if centre == "fit" else {"frame": frame, "centre": centre}


def confirm(frame: Frame) -> Fields:
    """What there is to check at FRAME is right as it is."""
    return {"frame": frame}


def list_corrections(video: VideoName, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """List all corrections: what, by whom, when, and whether the results have them."""
    from vidlib.api import correcting
    from vidlib.cli import console

    rows = correcting.rows(_open(video, workspace))
    if as_json:
        print_json({"corrections": rows})
    else:
        console.print_table([{**row, "at": row["at"][:16].replace("T", " ")} for row in rows])


def undo(
    video: VideoName,
    id: Annotated[str | None, typer.Argument(help="An id, or its beginning. Default: the last one.")] = None,
    apply: Apply = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Take back a correction; the next run finds the results of before."""
    opened = _open(video, workspace)
    _print(opened, opened.undo(id), apply, as_json, _how_to_apply(video, workspace))


def apply_all(video: VideoName, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Apply all corrections: run the steps that they change, with the parameters of the results that are there."""
    steps = _open(video, workspace).apply_corrections()
    if as_json:
        print_json({"steps": steps})
    else:
        print(f"applied; executed anew: {', '.join(steps)}" if steps else "the results have all corrections already")


def _open(video: str, workspace: Any) -> Any:
    from vidlib import api

    return api.Workspace(workspace).open(video)


def _print(video: Any, correction: Any, apply: bool, as_json: bool, hint: str) -> None:
    """Print what was recorded, and how it gets into the results."""
    from vidlib.api import correcting

    steps = video.apply_corrections() if apply else correcting.steps_to_run(video)
    if as_json:
        print_json(correcting.row(video, correction) | {"steps": steps, "applied": apply})
        return
    print(f"{correction.id}  {correction.action} {correction.decision.as_text()}")
    if steps:
        print(
            f"applied; executed anew: {', '.join(steps)}" if apply else f"recorded; to run {', '.join(steps)}: {hint}"
        )


def _how_to_apply(video: str, workspace: Any) -> str:
    words = ["vidlib", "correct", "apply", video, *(["-w", str(workspace)] if workspace else [])]
    return shlex.join(words)


COMMANDS: dict[str, tuple[Command, tuple[str, ...]]] = {
    "add-cut": (
        _decision(add_cut),
        ("vidlib correct add-cut film.mp4 100", "vidlib correct add-cut film.mp4 100 dissolve --apply"),
    ),
    "remove-cut": (_decision(remove_cut), ("vidlib correct remove-cut film.mp4 100",)),
    "move-cut": (_decision(move_cut), ("vidlib correct move-cut film.mp4 100 97",)),
    "set-kind": (_decision(set_kind), ("vidlib correct set-kind film.mp4 100 fade",)),
    "set-speaker": (
        _decision(set_speaker),
        ("vidlib correct set-speaker film.mp4 250 310 SPEAKER_01", "vidlib correct set-speaker film.mp4 250 310 new"),
    ),
    "join-speakers": (_decision(join_speakers), ("vidlib correct join-speakers film.mp4 SPEAKER_00 SPEAKER_02",)),
    "name": (_decision(name), ('vidlib correct name film.mp4 SPEAKER_01 "Anna Weber"',)),
    "merge": (_decision(merge), ("vidlib correct merge film.mp4 3 8",)),
    "different": (_decision(different), ("vidlib correct different film.mp4 3 8",)),
    "split": (_decision(split), ("vidlib correct split film.mp4 3 120",)),
    "not-a-face": (_decision(not_a_face), ("vidlib correct not-a-face film.mp4 5",)),
    "speaking": (_decision(speaking), ("vidlib correct speaking film.mp4 3 250 310 yes",)),
    "framing": (
        _decision(framing, applies=False),
        ("vidlib correct framing film.mp4 120 640", "vidlib correct framing film.mp4 120 fit"),
    ),
    "confirm": (_decision(confirm, applies=False), ("vidlib correct confirm film.mp4 100",)),
    "list": (list_corrections, ("vidlib correct list film.mp4", "vidlib correct list film.mp4 --json")),
    "undo": (undo, ("vidlib correct undo film.mp4", "vidlib correct undo film.mp4 3f2a --apply")),
    "apply": (apply_all, ("vidlib correct apply film.mp4",)),
}
