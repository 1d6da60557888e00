"""The commands about model weights: ``vidlib models ...``."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from vidlib.errors import VidlibError, WeightError

models = typer.Typer(help="The model weights: what is needed, what is here, where it comes from.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document on stdout")]


def print_json(document: Any) -> None:
    """The one document on stdout that programs read."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every model: what for, how big, which licence, and whether it is here."""
    from vidlib import vault
    from vidlib.cli import console

    rows = [
        {
            "name": model.name,
            "purpose": model.purpose,
            "MB": round(model.size / 1e6, 1),
            "licence": model.licence,
            "here": _here(model.name),
        }
        for model in vault.MODELS.values()
    ]
    print_json({"models": rows}) if as_json else console.show_table(rows)


@models.command("fetch")
def fetch_models(names: Annotated[list[str] | None, typer.Argument(help="default: all")] = None) -> None:
    """Download the weights that are not here yet, and check each one's SHA-256."""
    from vidlib import vault

    for name in names or vault.MODELS:
        try:
            print(f"{name}: {vault.fetch(name)}")
        except WeightError as error:
            if names or vault.MODELS[name].needed:
                raise
            print(f"{name}: left out, vidlib works without it: {error}", file=sys.stderr)


@models.command("verify")
def verify_models() -> None:
    """Check the SHA-256 of every weight file. Exit code 1 if one is missing or damaged."""
    from vidlib import vault

    answers = {name: _here(name) for name, model in vault.MODELS.items() if model.needed or vault.has(name)}
    for name, answer in answers.items():
        print(f"{name}: {answer}")
    raise typer.Exit(int(any(answer != "yes" for answer in answers.values())))


@models.command("add")
def add_model(file: Annotated[Path, typer.Argument(help="a weight file that was downloaded by hand")]) -> None:
    """Keep a weight file for a machine without a network; its SHA-256 says which model it is."""
    from vidlib import vault

    print(f"{file} is kept as {vault.add(file).name}")


def _here(name: str) -> str:
    from vidlib import vault

    try:
        vault.path(name)
        return "yes"
    except VidlibError as error:
        return f"no: {error}"
