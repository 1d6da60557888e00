"""What a page of the dashboard is, for the window that shows it. `vidlib.dashboard.window` lists the pages."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vidlib.localization import Localization
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.text import plain_message

Query = Mapping[str, str]
"""The page's part of the address, such as ``{"text": "interview"}`` for ``#library?text=interview``."""

Actions = Mapping[str, Callable[..., Any]]
"""Functions that a page of the browser calls by name, with keyword arguments. Results are plain JSON."""


def number(text: str) -> int:
    """A number of the address, at least 0; 0 for anything else."""
    return int(text) if text.isdecimal() else 0


@dataclass
class Context:
    """What all pages of a window share. ``notify`` shows a notice, ``problem`` a problem; both are English sentences.

    The functions may be called from any thread.
    """

    settings: Settings
    notify: Callable[[str], None] = lambda _: None
    problem: Callable[[str], None] = lambda _: None
    words: Localization = field(default_factory=Localization)

    def translated(self, message: str) -> str:
        """A message of the history, of a step or of an error: in one line, without control codes, in the language."""
        return self.words.sentence(plain_message(message))


class Page(Protocol):
    """One page: it gives what is seen as plain JSON, and does what people ask for.

    The window calls it from threads. An action and `view` may run at the same time; methods raise VidlibError.
    """

    name: str
    """The name of the page, in its address and of its module in the browser."""

    actions: Actions
    """What changes something. Only operators may call it."""

    questions: Actions
    """What changes nothing. Every signed-in person may call it."""

    def marker(self) -> Hashable:
        """A value that changes when `view` may, beyond the history and the query. It is read once a second."""

    def view(self, history: History, query: Query) -> dict[str, Any]:
        """The content of the page by part. The window sends the parts that have changed."""
