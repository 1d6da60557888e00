"""What hostile files make vidlib open, as the system saw it: themselves, the place for results, tools and libraries."""

import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sample_media as made
from tests.ingest import crafted
from tests.ingest.test_hostile import WAYS_OUT, as_rar, as_tar, as_zip
from tests.soak import faults
from vidlib.settings import REPOSITORY

pytestmark = pytest.mark.slow

READ = ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/opt", sys.prefix, sys.base_prefix]
READ += [str(REPOSITORY / folder) for folder in ("vidlib", "tests", "pyproject.toml", ".venv")]
"""Tools, libraries, the system's own settings, and the code itself."""

CHANGING = {"creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"}
CHANGING |= {"unlink", "unlinkat", "rmdir", "mknod", "mknodat", "chmod", "fchmodat", "truncate"}
OPENING = {"open", "openat", "openat2", "execve"}

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def bait(tmp_path_factory) -> Path:
    """A file that everything in `corpus` wants to have opened."""
    return made.clip(tmp_path_factory.mktemp("bait") / "secret.mp4", n_frames=10)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, bait) -> Path:
    """Archives that lead out, links to the bait, texts and videos that name it, and a sound video."""
    folder = tmp_path_factory.mktemp("corpus")
    for kind in made.TRAPS:
        made.trap(folder / f"{kind}.mp4", kind, bait)
    made.external(folder / "external.mov", bait)
    made.clip(folder / "%03d.mkv", n_frames=10)
    as_zip(WAYS_OUT, folder / "out.zip")
    as_tar(tarfile.PAX_FORMAT)(WAYS_OUT, folder / "out.tar")
    as_rar(WAYS_OUT, folder / "out.rar")
    with tarfile.open(folder / "links.tar", "w") as packed:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("link")
            link.type, link.linkname = kind, str(bait)
            packed.addfile(link)
        inside = tarfile.TarInfo("link")
        inside.size = 1
        packed.addfile(inside, io.BytesIO(b"x"))
    with zipfile.ZipFile(folder / "links.zip", "w") as packed:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        packed.writestr(link, str(bait))
        packed.writestr("link/under.mp4", "x")
    (folder / "links.rar").write_bytes(crafted.rar(crafted.rar_symlink("link", str(bait)), crafted.rar_file("x", b"x")))
    return folder


@pytest.fixture(scope="module")
def trace(tmp_path_factory, corpus) -> list[tuple[str, list[str], str]]:
    """Every successful call that names a file, of taking in all of `corpus`: its name, the files, all arguments."""
    if problem := faults.why_not():
        pytest.skip(problem)
    home = tmp_path_factory.mktemp("home")
    (home / "tmp").mkdir()
    calls = f"trace={','.join(sorted(CHANGING | OPENING))},connect"
    wrapper = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "4096", "-o", home / "trace", "-e", calls]
    command = [*wrapper, "-e", "signal=none", sys.executable, "-m", "tests.hostile", corpus, home / "out"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(home / "tmp"), "HOME": str(home)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ok" in done.stdout and "refused" in done.stdout
    return list(_calls((home / "trace").read_text(errors="surrogateescape")))


def _calls(text: str) -> Iterator[tuple[str, list[str], str]]:
    """Calls in a trace; one that was interrupted by another thread is put together again."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
            continue
        if "resumed>" in line:
            line = begun.pop(thread, "") + line.partition("resumed>")[2]
        if found := CALL.match(line):
            name, arguments, result = found.groups()
            if int(result) >= 0 or name == "connect":
                yield name, NAME.findall(arguments), arguments


def test_nothing_that_was_named_is_opened(trace, bait):
    assert [call for call in trace if str(bait.parent) in call[2]] == []


def test_nothing_is_opened_but_the_project_tools_and_libraries(trace, corpus, tmp_path_factory):
    own = str(tmp_path_factory.getbasetemp())
    allowed = (*READ, own)
    opened = {name for call, names, _ in trace if call in OPENING for name in names[:1] if name.startswith("/")}
    assert opened, "strace saw nothing"
    assert sorted(name for name in opened - {str(REPOSITORY)} if not name.startswith(allowed)) == []


def test_nothing_is_changed_outside_the_place_for_results(trace, corpus, tmp_path_factory):
    own = str(tmp_path_factory.getbasetemp())
    changed = {name for call, names, _ in trace if call in CHANGING for name in names}
    written = {n[0] for call, n, a in trace if call in OPENING and re.search("O_WRONLY|O_RDWR|O_CREAT", a)}
    assert written, "strace saw nothing"
    assert not {name for name in changed | written if name.startswith("/") and not name.startswith((own, "/dev/"))}
    assert not {name for name in changed | written if ".." in name.split("/")}
    assert not {name for name in changed | written if name.startswith(str(corpus))}


def test_no_host_is_asked(trace):
    assert [arguments for name, _, arguments in trace if name == "connect" and "AF_INET" in arguments] == []
