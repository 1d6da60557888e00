"""The sources of a request: local paths and links."""

from pathlib import Path

from vidlib.ingest.parts import label_of
from vidlib.ingest.urls import HANDLE, handle, redacted
from vidlib.runner.downloads import store
from vidlib.runner.store.database import Database
from vidlib.settings import Settings


class Link(str):
    """A link to a file that is not downloaded yet. Like a path, it has a ``name``. The link itself is secret.

    >>> Link("https://h.example/a/film.zip?x=1").name
    'film.zip'
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the file, or the handle of the link; it gives no access."""
        return label_of(self)

    @property
    def handle(self) -> str:
        """The name of the link in messages and files, which must not contain the link."""
        return handle(self)

    @property
    def redacted(self) -> str:
        """The host and the name of the file."""
        return redacted(self)


Source = Path | Link


def subject_of(source: Source) -> str:
    """Return a source as text for files and messages: a path, or the handle of a link, which is secret."""
    return source.handle if isinstance(source, Link) else str(source)


def named_source(text: str, settings: Settings) -> Source:
    """Return what a person calls a source: a path, a link, or the handle of a link in the history.

    Raises UsageError for an unknown handle, unless a file has this name.
    """
    if HANDLE.fullmatch(text.strip()) is None or Path(text).exists():
        return parse_source(text)
    with Database(settings.database) as history:
        return Link(store.link_of(history, text))


def parse_source(text: str) -> Source:
    """Return ``text`` as a link if it begins like one, otherwise as a path.

    >>> parse_source("HTTPS://h.example/film.zip"), parse_source("film.zip")
    ('HTTPS://h.example/film.zip', PosixPath('film.zip'))
    """
    return Link(text) if text.strip().lower().startswith(("https://", "http://")) else Path(text)
