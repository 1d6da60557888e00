"""What exports are made of: the results of one video, and where its delivered file lies."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vidlib.api.reframing import reframe
from vidlib.api.results import VideoResults
from vidlib.corrections import store
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import captions, rttm, shots_json, webvtt, words_table
from vidlib.results.exports.edit_timeline import SPACES, Media, place_under
from vidlib.results.exports.webvtt import Caption
from vidlib.results.reframing.framing import Reframed
from vidlib.settings import Settings
from vidlib.text import printable
from vidlib.timeline import Shot, Turns


@dataclass(frozen=True)
class Source:
    """Results that are exported. The delivered video may lie in the delivery of ``settings``, or at ``places``."""

    results: VideoResults
    settings: Settings
    places: tuple[Path, ...] = ()

    @property
    def stem(self) -> str:
        """The name of the exported files, with sub-folders of the delivery."""
        return self.results.stem or Path(self.results.name).stem

    def shots(self) -> list[Shot]:
        """The shots of the video."""
        return shots_json.read(self.results.needed_file("scenes", "shots"))

    def turns(self) -> Turns:
        """The turns of the speakers, as *tracking* corrected them."""
        return rttm.read(self.results.needed_file("tracking", "turns"))

    @property
    def tracks(self) -> Path:
        """The table of faces and objects."""
        return self.results.needed_file("tracking", "tracks")

    @property
    def video(self) -> Path:
        """The delivered video, as the step *convert* left it."""
        return self.results.needed_file("convert", "video")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the delivered video in pixels."""
        facts = self.results.outputs("convert")
        return facts["width"], facts["height"]

    def reframed(self, aspect: tuple[int, int]) -> Reframed:
        """The plan for another shape, with what people decided."""
        decisions = store.read_active(self.settings.corrections, self.results.sha256)
        return reframe(self.results, aspect, decisions)

    def captions(self) -> list[Caption]:
        """The captions with their speakers; none where the speech was not transcribed."""
        turns = self.turns()
        if table := self.results.file("audio", "words"):
            return captions.from_words(words_table.with_speakers(words_table.read(table), turns))
        file = self.results.file("audio", "captions")  # all that results before 0.2 have
        return webvtt.with_speakers(webvtt.read(file) if file else (), turns)

    def media(self, root: str | None = None) -> Media:
        """The delivered video, in the folder ``root`` of the editor's machine where it is given."""
        converted = self.results.needed_file("convert", "video")
        size = converted.stat().st_size
        places = (*self.places, self.settings.delivery / self.results.project / f"{self.stem}.mp4")
        path = next((path for path in places if path.is_file() and path.stat().st_size == size), None)
        name = printable(path.name if path else f"{PurePosixPath(self.stem).name}.mp4", keep=SPACES)
        media = DeliveredMedia.probe(converted, self.results.outputs("convert")["frames"])
        return media.at(str(path or converted) if root is None else place_under(root, name), name)
