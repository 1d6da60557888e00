"""The command line. Each command reads its arguments and calls one function; `console` draws what people see."""

import gc
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from vidlib._version import VERSION
from vidlib.cli import (
    archive,
    cast,
    compare,
    correct,
    downloads,
    evaluate,
    export,
    find,
    machine,
    models,
    one_file,
    preview,
    run,
    runs,
    videos,
)
from vidlib.cli._options import MACHINE, PANELS
from vidlib.errors import VidlibError

__all__ = ["app", "main"]


OLD_NAMES = {
    "download": ("downloads", "get"),
    "monitor": ("downloads", "monitor"),
    "history": ("downloads",),
}
"""Commands of version 0.1 that still work, and their names of today."""


GC_THRESHOLD = 50_000
"""New objects between two garbage collections. The imports of a command make many objects and hardly any garbage: with
Python's own 700, collections take a tenth of its start."""


class _Commands(TyperGroup):
    """The commands in the order of their panels, also under the names of earlier versions."""

    def resolve_command(self, context: Any, args: list[str]) -> Any:
        if (old := args[0]) in OLD_NAMES:
            args = [*OLD_NAMES[old], *args[1:]]
            print(f"`vidlib {old}` is now `vidlib {' '.join(OLD_NAMES[old])}`", file=sys.stderr)
        return super().resolve_command(context, args)

    def list_commands(self, context: Any) -> list[str]:
        def panel(name: str) -> int:
            return PANELS.index(getattr(self.commands[name], "rich_help_panel", None) or MACHINE)

        return sorted(super().list_commands(context), key=panel)


app = typer.Typer(
    cls=_Commands,
    help="Turns delivered video archives into edit-ready analysis: shots, speakers, faces, active speaker, a report.",
    epilog="Settings come from VIDLIB_* variables or a file .env; `vidlib settings` lists them. "
    "Exit codes: 0 done, 1 some videos failed, 2 wrong usage, 3 refused input, 130 cancelled.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

for module in (
    run,
    runs,
    videos,
    find,
    evaluate,
    compare,
    correct,
    cast,
    export,
    preview,
    archive,
    downloads,
    one_file,
    machine,
    models,
):
    module.add_commands(app)


def main() -> None:
    """Run the command line. An error that vidlib knows is one line on stderr and an exit code."""
    gc.set_threshold(GC_THRESHOLD)
    try:
        app(prog_name="vidlib")
    except VidlibError as error:
        _exit(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of the output has closed it
        sys.exit(0)
    except OSError as error:  # a folder that is missing or not writable, a full disk
        _exit(f"{error.filename or 'the system'}: {error.strerror}; expected a place to write to, with free space", 1)


def _exit(message: str, code: int) -> NoReturn:
    print(f"vidlib: {message}", file=sys.stderr)
    sys.exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"vidlib {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...
