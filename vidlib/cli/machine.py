"""The commands about this machine: ``vidlib doctor``, ``settings`` and ``dashboard``."""

from typing import Annotated

import typer

from vidlib.cli._options import MACHINE, AsJson, Command, Workspace, examples, print_json, read_settings


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command, lines in EXAMPLES.items():
        app.command(rich_help_panel=MACHINE, epilog=examples(*lines))(command)


def doctor(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Check this machine and explain how to fix what is missing.

    Exit code 1: something required is missing.
    """
    from vidlib.cli import console
    from vidlib.doctor import examine

    findings = examine(read_settings(workspace))
    if as_json:
        print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        console.print_findings(findings)
    raise typer.Exit(int(any(finding.needed and not finding.ok for finding in findings)))


def settings(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """List every setting with its value and source.

    The source is default, .env, environment or option. The values of secrets stay hidden.
    """
    from vidlib.cli import console
    from vidlib.effective_settings import effective_settings, unknown_variables
    from vidlib.settings import load

    options = {} if workspace is None else {"workspace": workspace}
    chosen = load(**options)
    rows = [vars(setting) for setting in effective_settings(chosen, options)]
    unknown, file = unknown_variables(chosen.env_file), chosen.env_file
    if as_json:
        print_json({"settings": rows, "unknown": unknown, "env_file": file and str(file)})
    else:
        console.print_table(rows, without=("name", "description"))
        typer.echo(f".env: {file or 'no such file was read'}")
        for variable, hint in unknown.items():
            typer.echo(f"{variable} is not a setting;{hint}", err=True)


def dashboard(
    workspace: Workspace = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 picks a free one. Default: VIDLIB_DASHBOARD_PORT.")
    ] = None,
) -> None:
    """Serve the operators' page, and print the address and the token that open it."""
    from vidlib.dashboard.server import serve

    options = {} if port is None else {"dashboard_port": port}
    raise typer.Exit(serve(read_settings(workspace, **options)))


EXAMPLES: dict[Command, tuple[str, ...]] = {
    doctor: ("vidlib doctor", "vidlib doctor --json"),
    settings: ("vidlib settings", "vidlib settings --workspace /srv/vidlib --json"),
    dashboard: ("vidlib dashboard", "vidlib dashboard --workspace /srv/vidlib --port 0"),
}
