"""Joins the modules of the player in the browser into one: JupyterLab and a page without a server load only one.

The modules in ``browser`` are ES modules, which the dashboard serves as they are. For the bundle they keep a simple
form: they import and export by name, without renaming, never in a circle. No two share a top-level name.
"""

import re
from functools import cache
from pathlib import Path

BROWSER = Path(__file__).with_name("browser")
ENTRY = "player.js"
STYLE = BROWSER / "player.css"

IMPORT = re.compile(r'^import \{ [\w, ]+ \} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


@cache
def script() -> str:
    """The source of one ES module without imports, which exports ``{render}`` as default."""
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        source = (BROWSER / name).read_text(encoding="utf-8")
        for needed in IMPORT.findall(source):
            if needed not in parts:
                add(needed)
        parts[name] = EXPORT.sub("", IMPORT.sub("", source))

    add(ENTRY)
    return "\n".join(parts.values())
