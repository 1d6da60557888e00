"""A real browser for tests of pages, and axe, which finds what makes a page hard to use."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
AXE = "axe-core@4.10.3"
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Somebody's browser."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=arguments) as browser,
    ):
        yield browser


def axe_script(folder: Path) -> str:
    """The script of axe-core (MPL-2.0), which the registry of npm has and vidlib does not contain."""
    if (npm := shutil.which("npm")) is None:
        pytest.skip("npm is not installed")
    packed = subprocess.run([npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=120)
    if packed.returncode:
        pytest.skip(f"npm cannot fetch {AXE}")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        package.extractall(folder, filter="data")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def visitor(chromium: Browser, timeout_ms: float, **options: Any) -> Iterator[BrowserContext]:
    """A window of somebody's browser with ``options`` of Playwright; none of its pages may fail or log an error.

    Bars that move while nothing happens take a core where no graphics card draws them, so they stand still.
    """
    errors: list[str] = []
    with chromium.new_context(**{"reduced_motion": "reduce"} | options) as context:
        context.set_default_timeout(timeout_ms)
        context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield context
    assert not errors, errors


def serious_problems(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """What axe finds on a page and calls serious or critical: the rule, and the first elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate("axe.run().then(result => result.violations)")
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    return [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious]
