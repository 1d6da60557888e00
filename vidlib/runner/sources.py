"""Links among the paths of a request."""

from pathlib import Path

from vidlib.ingest.parts import name_of


class Link(str):
    """A link to a file that is not here yet; it has a name, as paths have.

    >>> Link("https://h.example/a/film.zip?x=1").name
    'film.zip'
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        return name_of(self)


Source = Path | Link


def parse_source(text: str) -> Source:
    """What somebody named: a link, or else a path.

    >>> parse_source("HTTPS://h.example/film.zip"), parse_source("film.zip")
    ('HTTPS://h.example/film.zip', PosixPath('film.zip'))
    """
    return Link(text) if text.strip().lower().startswith(("https://", "http://")) else Path(text)
