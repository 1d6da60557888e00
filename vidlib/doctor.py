"""What this machine has and what it lacks, each with its fix."""

import ctypes
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidlib import vault
from vidlib.errors import CommandFailed, EngineUnavailable, WeightError
from vidlib.machine import commands, devices
from vidlib.machine.load import nearest_existing
from vidlib.media import ffmpeg
from vidlib.settings import GIB, Settings

ROOM = 10 * GIB
"""Free bytes below which a project may not fit: an hour of 1080p at 8 Mbit/s takes 3.6 GB, and is there three times."""

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SET_UP = "run: make setup"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as it should be, what was found, and what to do if it is not.

    Without a ``needed`` one the main job does not run; without another, something less does not.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything that vidlib relies on, and change nothing. Takes seconds: torch is imported for it."""
    return (
        _python(),
        *_video_programs(),
        _archive_program("unar", "unar", "RAR archives"),
        _archive_program("7zz", "7zip", "7z archives, and some ZIPs,"),
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
    fix = f"make the environment with Python {major}.{first} to {major}.{last}: remove .venv, then run: make setup"
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
    except CommandFailed as error:
        return Finding("ffmpeg", False, str(error), "install another one: apt-get install ffmpeg")
    has = " libx264 " in encoders
    detail = f"{where}, version {ffmpeg.version()}, {'with' if has else 'without'} libx264"
    return Finding("ffmpeg", has, detail, "install one that has libx264: apt-get install ffmpeg")


def _archive_program(name: str, package: str, reads: str) -> Finding:
    fix = f"install it: apt-get install {package}"
    try:
        return Finding(name, True, commands.find_program(name, package), needed=False)
    except EngineUnavailable:
        return Finding(name, False, f"missing: {reads} cannot be read", fix, needed=False)


def _graphics_libraries() -> Finding:
    """MediaPipe links both, even to run on the CPU."""
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
        nothing = "no NVIDIA card, or no driver: everything runs on the CPU"
        return Finding("GPU", False, nothing, "nothing to do; with a card: install its driver", needed=False)
    problem = devices.cuda_problem()
    detail = f"{cards}; {problem}" if problem else cards
    return Finding("GPU", problem is None, detail, "choose a CUDA build of torch: 'GPU' in the README", needed=False)


def _weights() -> Iterator[Finding]:
    for name, model in vault.MODELS.items():
        label = f"weights {name}"
        try:
            yield Finding(label, True, f"{model.purpose}: {vault.path(name)}")
        except WeightError as error:
            yield Finding(label, False, str(error), "get them: vidlib models fetch", needed=model.needed)


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("notebook kernel", False, "no kernel is called python3", SET_UP)
    return Finding("notebook kernel", True, f"python3: {spec.argv[0]}")


def _workspace(folder: Path) -> Finding:
    fix = "give this user the right to write there, or name another folder in VIDLIB_WORKSPACE"
    try:
        with tempfile.TemporaryFile(dir=nearest_existing(folder)):
            return Finding("workspace", True, str(folder))
    except OSError as error:
        return Finding("workspace", False, f"{folder} cannot be written to: {error.strerror}", fix)


def _disk(workspace: Path) -> Finding:
    folder = nearest_existing(workspace)
    free = shutil.disk_usage(folder).free
    fix = f"make room for {ROOM / GIB:.0f} GiB, or move the workspace (VIDLIB_WORKSPACE)"
    return Finding("disk", free >= ROOM, f"{free / GIB:.1f} GiB free under {folder}", fix)


def _chromium() -> Finding:
    where = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    detail = where or "missing: the test that drives the dashboard in a browser cannot run"
    return Finding("chromium", bool(where), detail, "install it: apt-get install chromium", needed=False)
