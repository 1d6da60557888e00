"""The sources of a request: local paths and links."""

from pathlib import Path

from vidlib.ingest.parts import name_of


class Link(str):
    """A link to a file that is not downloaded yet. Like a path, it has a ``name``.

    >>> Link("https://h.example/a/film.zip?x=1").name
    'film.zip'
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        return name_of(self)


Source = Path | Link


def parse_source(text: str) -> Source:
    """Return ``text`` as a link if it begins like one, otherwise as a path.

    >>> parse_source("HTTPS://h.example/film.zip"), parse_source("film.zip")
    ('HTTPS://h.example/film.zip', PosixPath('film.zip'))
    """
    return Link(text) if text.strip().lower().startswith(("https://", "http://")) else Path(text)
