"""The commands that bring files in: ``vidlib download`` and ``vidlib monitor``."""

from pathlib import Path
from typing import Annotated

import typer

from vidlib import settings as settings_module
from vidlib.cli.models import AsJson, print_json
from vidlib.settings import Settings

DOWNLOAD_EXAMPLES = """Examples:\n
vidlib download 'https://www.dropbox.com/scl/fi/…/film.zip?rlkey=…&dl=0'\n
vidlib download https://files.example.org/film.zip --to rushes --json"""

Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="folder of the inbox and the history", metavar="FOLDER")
]


def download(
    url: Annotated[str, typer.Argument(help="a link of Dropbox, SwissTransfer or FromSmash, or one to a file")],
    to: Annotated[Path | None, typer.Option("--to", help="folder for the file; default the inbox")] = None,
    again: Annotated[bool, typer.Option("--again", help="download it though it was downloaded before")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Download one file, whole and checked; print where it is and its SHA-256. What is there already is not asked for.

    Ctrl-C or SIGTERM pauses it: the same command goes on where it was. Exit code 3 if it is refused, or only a person
    can download it.
    """
    from vidlib.cli.console import downloading as bar
    from vidlib.ingest.urls import shown
    from vidlib.machine.signals import stopped_by_signals
    from vidlib.runner.downloads import worker
    from vidlib.runner.store.runs import History

    settings = _settings(workspace)
    with History(settings.database) as history, stopped_by_signals() as stop, bar(shown(url)) as report:
        how = worker.Conditions(settings, stop, report, folder=to and to.absolute())
        result = worker.download(history, url, how, again=again)
    if result.error:
        raise result.error
    row = result.row
    if as_json:
        came = {"file": row.file, "sha256": row.sha256, "bytes": row.bytes_done}
        print_json({"url": row.url, **came, "there_already": result.known})
    else:
        print(f"{row.file}  {row.sha256}")


def monitor(
    once: Annotated[bool, typer.Option("--once", help="look once, download what waits, and end")] = False,
    workspace: Workspace = None,
) -> None:
    """Watch the webhook (VIDLIB_WEBHOOK_URL), and download what VIDLIB_MONITOR_* allow, until Ctrl-C or SIGTERM.

    With --once exit code 1 if the webhook did not answer or a download failed.
    """
    from vidlib.cli.console import logging_to_stderr
    from vidlib.ingest.webhook import Rule, Webhook
    from vidlib.machine.signals import stopped_by_signals
    from vidlib.runner.downloads.monitor import Monitor
    from vidlib.runner.downloads.worker import Conditions
    from vidlib.runner.store.runs import History

    settings = _settings(workspace)
    webhook, rule = Webhook.of(settings), Rule.of(settings)
    with History(settings.database) as history, logging_to_stderr(), stopped_by_signals() as stop:
        watching = Monitor(history, Conditions(settings, stop), webhook, rule)
        if not once:
            watching.run()
            return
        answered, results = watching.look(), watching.work()
    raise typer.Exit(int(not answered or any(result.error for result in results)))


def _settings(workspace: Path | None) -> Settings:
    return settings_module.load(workspace=workspace) if workspace else settings_module.settings()
