"""The document of the player agrees with its module."""

import re

from vidlib.player import bundle
from vidlib.settings import REPOSITORY

COMMAND = re.compile(r'keys: \["([^"]+)".*?\](?:, shown: "([^"]+)")?, about: "([^"]+)"')


def test_the_document_lists_every_key():
    commands = COMMAND.findall(bundle.script())
    assert len(commands) > 30
    assert len({key for key, _, _ in commands}) == len(commands)
    rows = "\n".join(f"| `{shown or key}` | {about} |" for key, shown, about in commands)
    assert rows in (REPOSITORY / "docs" / "player.md").read_text()
