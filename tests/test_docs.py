"""The documents agree with the code: settings, licences, links. tests/docs runs what they show as code."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from platformdirs import user_data_path

from vidlib import vault
from vidlib.settings import GIB, REPOSITORY, Settings

SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text()
LICENCES = (REPOSITORY / "docs" / "licences.md").read_text()
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def settings_table() -> str:
    rows = [
        f"| `VIDLIB_{name.upper()}` | {shown_default(name, field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def shown_default(name: str, value: object) -> str:
    """A default in the form of docs/settings.md."""
    if value is None:
        return ""
    if isinstance(value, Path):
        below = {user_data_path("vidlib"): "~/.local/share/vidlib/", REPOSITORY: "", Path(): ""}
        root = next(root for root in below if value.is_relative_to(root))
        return f"`{below[root]}{value.relative_to(root)}`"
    if name.endswith("_bytes"):
        return f"`{value}` ({value / GIB:g} GiB)"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_the_page_of_settings_lists_every_setting_with_its_default():
    assert settings_table() in SETTINGS, f"replace the table in docs/settings.md by:\n\n{settings_table()}"


def test_every_package_of_the_lock_has_its_licence_listed():
    locked = [line.split("==")[0] for line in (REPOSITORY / "requirements.lock").read_text().splitlines()]
    listed = set(re.findall(r"`([\w.-]+)`", LICENCES))
    assert set(locked) - listed == set()


def test_every_model_has_its_licence_listed():
    for model in vault.MODELS.values():
        row = next(line for line in LICENCES.splitlines() if line.startswith(f"| `{model.name}`"))
        assert model.licence in row
        assert ("yes" if model.commercial_use else "no") in row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_to_sections_lead_to_a_heading(document):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text()):
        linked = (document.parent / target).read_text() if target else document.read_text()
        headings = re.findall(r"^#+ (.+)$", linked, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_documents_named_in_code_and_services_exist():
    folders = [REPOSITORY / name for name in ("vidlib", "tests", "benchmarks", "deploy", "notebooks", "params")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    named = {name for file in files for name in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text(errors="ignore"))}
    assert {name for name in named if not (REPOSITORY / name).is_file()} == set()


def test_no_package_of_the_lock_is_gpl_or_non_commercial():
    forbidden = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero|non-?commercial|CC-BY-NC", re.IGNORECASE)
    locked = map(Requirement, (REPOSITORY / "requirements.lock").read_text().splitlines())
    for line in (line for line in locked if line.marker is None or line.marker.evaluate()):
        about = metadata.metadata(line.name)
        stated = [about.get("License-Expression") or "", *(about.get_all("Classifier") or [])]
        assert not forbidden.search(" ".join(text for text in stated if "::" not in text or "License" in text)), line
