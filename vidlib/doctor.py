"""Checks this machine and tells the user how to fix what is missing."""

import ctypes
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidlib import vault
from vidlib.errors import CommandFailed, EngineUnavailable, OutOfMemory, WeightError
from vidlib.ingest.formats import sevenzip
from vidlib.machine import commands, devices
from vidlib.machine.load import nearest_existing
from vidlib.media import encoders, ffmpeg
from vidlib.settings import GIB, Settings

MIN_FREE_BYTES = 10 * GIB
"""Free bytes below which a project may not fit: an hour of 1080p at 8 Mbit/s takes 3.6 GB, and exists three times."""

TRIAL_SIZE = (1920, 1080)
"""Width and height of the frame with which the encoder is tried, in pixels."""

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SET_UP = "run: make setup"


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, the details, and how to fix a problem.

    vidlib cannot run without a ``needed`` part; without another part, a single feature is missing.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True

    @property
    def state(self) -> Literal["ok", "missing", "optional"]:
        """``ok``; ``missing``: a needed part has a problem; ``optional``: another part has one."""
        return "ok" if self.ok else "missing" if self.needed else "optional"

    def to_json(self) -> dict[str, str | bool]:
        """The finding as a JSON object. ``mend`` is the name of ``fix`` up to version 0.1."""
        return {"name": self.name, "state": self.state, **vars(self), "mend": self.fix}


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Check everything that vidlib relies on, and change nothing. It takes seconds, because it imports torch."""
    return (
        _python(),
        *_video_programs(),
        _encoder(),
        _archive_program("unar", "unar", "RAR archives"),
        _archive_program("7zz", "7zip", "7z archives, and some ZIPs,", fallback=sevenzip.DEBIAN_13),
        _graphics_libraries(),
        _torch(),
        _gpu(),
        *_weights(),
        _kernel(),
        _workspace(settings.workspace),
        _disk(settings.workspace),
        _chromium(),
    )


def _python() -> Finding:
    (major, first), (_, last) = PYTHONS[0], PYTHONS[-1]
    fix = f"create the environment with Python {major}.{first} to {major}.{last}: remove .venv, then run: make setup"
    return Finding("Python", sys.version_info[:2] in PYTHONS, platform.python_version(), fix)


def _video_programs() -> Iterator[Finding]:
    fix = "install it: apt-get install ffmpeg"
    for name in ("ffmpeg", "ffprobe"):
        try:
            where = commands.find_program(name)
        except EngineUnavailable as error:
            yield Finding(name, False, str(error), fix)
        else:
            yield _x264(where) if name == "ffmpeg" else Finding(name, True, where)


def _x264(where: str) -> Finding:
    try:
        encoders = commands.run([where, "-hide_banner", "-encoders"], timeout_s=30).stdout
        version = ffmpeg.version()
    except (CommandFailed, OutOfMemory) as error:
        return Finding("ffmpeg", False, str(error), "install another build: apt-get install ffmpeg")
    has = " libx264 " in encoders
    detail = f"{where}, version {version}, {'with' if has else 'without'} libx264"
    return Finding("ffmpeg", has, detail, "install a build with libx264: apt-get install ffmpeg")


def _encoder() -> Finding:
    """Say which encoder *convert* uses; that FFmpeg has one is checked with FFmpeg."""
    encoder = encoders.choose("auto", *TRIAL_SIZE)
    detail = f"{encoder.name} on the {'GPU' if encoder.device == 'cuda' else 'CPU'}"
    return Finding("video encoder", True, f"{detail}; {encoder.fallback}" if encoder.fallback else detail)


def _archive_program(name: str, package: str, reads: str, fallback: str = "") -> Finding:
    fix = f"install it: apt-get install {package}"
    try:
        return Finding(name, True, commands.find_program(name, package, fallback=fallback), needed=False)
    except EngineUnavailable:
        return Finding(name, False, f"missing: {reads} cannot be read", fix, needed=False)


def _graphics_libraries() -> Finding:
    """Check for both libraries; MediaPipe links them even when it runs on the CPU."""
    missing = [name for name in ("libEGL.so.1", "libGLESv2.so.2") if not _loads(name)]
    detail = f"missing: {', '.join(missing)}" if missing else "libEGL.so.1, libGLESv2.so.2"
    return Finding("EGL and GLES", not missing, detail, "install them: apt-get install libegl1 libgles2")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _torch() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("torch", False, f"cannot be imported: {error}", f"{SET_UP} (see 'GPU' in the README)")
    return Finding("torch", True, f"{torch.__version__}, CUDA {torch.version.cuda or 'not built in'}")


def _gpu() -> Finding:
    cards = ", ".join(f"{card.name} ({card.memory_bytes / GIB:.0f} GiB)" for card in devices.gpus())
    if not cards:
        nothing = "no NVIDIA card, or no driver; everything runs on the CPU"
        return Finding("GPU", False, nothing, "if this machine has a card, install its driver", needed=False)
    problem = devices.cuda_problem()
    detail = f"{cards}; {problem}" if problem else cards
    return Finding(
        "GPU", problem is None, detail, "install a CUDA build of torch (see 'GPU' in the README)", needed=False
    )


def _weights() -> Iterator[Finding]:
    for name, model in vault.MODELS.items():
        label = f"weights {name}"
        try:
            yield Finding(label, True, f"{model.purpose}: {vault.path(name)}")
        except WeightError as error:
            yield Finding(label, False, str(error).removesuffix(f"; {vault.FETCH}"), vault.FETCH, needed=model.needed)


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("notebook kernel", False, "the kernel 'python3' is not installed", SET_UP)
    return Finding("notebook kernel", True, f"python3: {spec.argv[0]}")


def _workspace(folder: Path) -> Finding:
    fix = "give this user write permission, or set VIDLIB_WORKSPACE to another folder"
    try:
        with tempfile.TemporaryFile(dir=nearest_existing(folder)):
            return Finding("workspace", True, str(folder))
    except OSError as error:
        return Finding("workspace", False, f"cannot write to {folder}: {error.strerror}", fix)


def _disk(workspace: Path) -> Finding:
    folder = nearest_existing(workspace)
    free = shutil.disk_usage(folder).free
    fix = f"free at least {MIN_FREE_BYTES / GIB:.0f} GiB, or move the workspace (VIDLIB_WORKSPACE)"
    return Finding("disk", free >= MIN_FREE_BYTES, f"{free / GIB:.1f} GiB free under {folder}", fix)


def _chromium() -> Finding:
    where = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    detail = where or "missing: the browser test of the dashboard cannot run"
    return Finding("chromium", bool(where), detail, "install it: apt-get install chromium", needed=False)
