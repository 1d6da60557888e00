"""The commands about model weights: ``vidlib models ...``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vidlib.cli._options import MACHINE, AsJson, Command, examples, print_json
from vidlib.errors import VidlibError, WeightError

models = typer.Typer(help="List, download and check the model weights.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Add ``vidlib models`` to ``app``."""
    for name, (command, lines) in COMMANDS.items():
        models.command(name, epilog=examples(*lines))(command)
    app.add_typer(models, name="models", rich_help_panel=MACHINE)


def list_models(as_json: AsJson = False) -> None:
    """List every model with its purpose, size and licence, and whether it is on this machine."""
    from vidlib import vault
    from vidlib.cli import console

    rows = [
        {
            "name": model.name,
            "purpose": model.purpose,
            "MB": round(model.size / 1e6, 1),
            "licence": model.licence,
            "here": _status(model.name),
        }
        for model in vault.MODELS.values()
    ]
    print_json({"models": rows}) if as_json else console.print_table(rows)


def fetch_models(names: Annotated[list[str] | None, typer.Argument(help="The models. Default: all.")] = None) -> None:
    """Download missing weights and check the SHA-256 of each."""
    from vidlib import vault

    for name in names or vault.MODELS:
        try:
            print(f"{name}: {vault.download(name)}")
        except WeightError as error:
            if names or vault.MODELS[name].needed:
                raise
            print(f"{name}: skipped, vidlib works without it: {error}", file=sys.stderr)


def verify_models() -> None:
    """Check the SHA-256 of every weight file. Exit code 1 if a required one is missing, or one is damaged."""
    from vidlib import vault

    statuses = {name: _status(name) for name, model in vault.MODELS.items() if model.needed or vault.has(name)}
    for name, status in statuses.items():
        print(f"{name}: {status}")
    raise typer.Exit(int(any(status != "yes" for status in statuses.values())))


def add_model(file: Annotated[Path, typer.Argument(help="A weight file that was downloaded by hand.")]) -> None:
    """Copy a weight file into the vault, for a machine without network. Its SHA-256 identifies the model."""
    from vidlib import vault

    print(f"{file} is kept as {vault.import_file(file).name}")


def _status(name: str) -> str:
    from vidlib import vault

    try:
        vault.path(name)
        return "yes"
    except VidlibError as error:
        return f"no: {error}"


COMMANDS: dict[str, tuple[Command, list[str]]] = {
    "list": (list_models, ["vidlib models list", "vidlib models list --json"]),
    "fetch": (fetch_models, ["vidlib models fetch", "vidlib models fetch lr_asd"]),
    "verify": (verify_models, ["vidlib models verify"]),
    "add": (add_model, ["vidlib models add ~/Downloads/face_detection_yunet_2023mar.onnx"]),
}
