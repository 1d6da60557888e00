"""The sources of a request: local paths and links."""

from pathlib import Path

from vidlib.ingest.parts import label_of
from vidlib.ingest.urls import handle, redacted


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


def parse_source(text: str) -> Source:
    """Return ``text`` as a link if it begins like one, otherwise as a path.

    >>> parse_source("HTTPS://h.example/film.zip"), parse_source("film.zip")
    ('HTTPS://h.example/film.zip', PosixPath('film.zip'))
    """
    return Link(text) if text.strip().lower().startswith(("https://", "http://")) else Path(text)
