"""The player as a widget: data for the browser as traits, and messages from it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import anywidget
from traitlets import Bool, Bytes, Dict, Unicode

from vidlib.errors import VidlibError
from vidlib.localization import Localization
from vidlib.player import bundle
from vidlib.player.encoding import Columns
from vidlib.player.material import Material

PIECE_BYTES = 2_000_000
"""Bytes of the video in one message, for a page whose server does not serve videos."""


class Corrector(Protocol):
    """Saves what a person corrected, and gives what the player then shows.

    Each raises VidlibError where a correction does not fit or cannot be saved.
    """

    def correct(self, action: str, fields: Mapping[str, Any]) -> Material:
        """Save one correction."""
        ...

    def undo(self) -> Material:
        """Take back the last one."""
        ...


class Player(anywidget.AnyWidget):
    """A video with its results. It needs no kernel to play; corrections and videos that are not served do.

    ``media`` is the path of the video below the server's address, or empty where the workspace does not hold it.
    ``can_correct`` tells the page whether to offer corrections.
    """

    _esm = bundle.script()
    _css = bundle.STYLE

    info = Dict().tag(sync=True)
    media = Unicode().tag(sync=True)
    shots = Dict().tag(sync=True)
    turns = Dict().tag(sync=True)
    faces = Dict().tag(sync=True)
    speaking = Dict().tag(sync=True)
    boxes = Bytes().tag(sync=True)
    words = Dict().tag(sync=True)
    review = Dict().tag(sync=True)
    framing = Dict().tag(sync=True)
    can_correct = Bool().tag(sync=True)

    def __init__(
        self,
        material: Material,
        video: Path,
        media: str,
        corrector: Corrector | None = None,
        static: Callable[[], str] | None = None,
        framing: Callable[[], Columns] | None = None,
    ):
        """``static`` gives the HTML that stands in the place of the player where no widgets run.

        ``framing`` gives the window of another shape (`material.framing_columns`) when the page asks for it.
        """
        super().__init__(media=media, can_correct=corrector is not None, **material.state())
        self._video, self._corrector, self._static, self._framing = video, corrector, static, framing
        self._words = Localization(material.language)
        self.on_msg(self._receive)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None and self._static is not None:
            bundle[0]["text/html"] = self._static()
        return bundle

    def _receive(self, _: object, message: dict[str, Any], buffers: list) -> None:
        if message.get("do") == "piece":
            self._send_piece(int(message["offset"]))
        elif self._framing is not None and message.get("do") == "framing":
            self._send_framing(self._framing)
        elif self._corrector is not None and message.get("do") in ("correct", "undo"):
            self._save(self._corrector, message)

    def _save(self, corrector: Corrector, message: dict[str, Any]) -> None:
        """Save a correction, then send the page what it shows now; ``id`` tells it which answer belongs to what."""
        try:
            undo = message["do"] == "undo"
            material = corrector.undo() if undo else corrector.correct(message["action"], message["fields"])
        except (VidlibError, OSError) as error:
            self.send({"id": message["id"], "error": self._words.sentence(str(error))})
            return
        with self.hold_sync():
            for name, value in material.state().items():
                setattr(self, name, value)
            if self._framing is not None and self.framing:
                self._send_framing(self._framing)
        self.send({"id": message["id"], "error": None})

    def _send_framing(self, framing: Callable[[], Columns]) -> None:
        try:
            self.framing = framing()
        except (VidlibError, OSError) as error:
            self.send({"framing": None, "error": self._words.sentence(str(error))})

    def _send_piece(self, offset: int) -> None:
        with self._video.open("rb") as file:
            file.seek(offset)
            piece = file.read(PIECE_BYTES)
        self.send({"offset": offset, "total": self._video.stat().st_size}, [piece])
