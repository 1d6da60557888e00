"""The player as a page of its own, without Jupyter: for looking, not for corrections."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vidlib.files import atomic_write
from vidlib.player import bundle
from vidlib.player.material import Material

PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body {{ margin: 12px; }} @media (prefers-color-scheme: dark) {{ body {{ background: #0d0f12; }} }}
{css}</style></head>
<body><main id="player"></main>
<script type="application/json" id="state">{state}</script>
<script type="module">
{module}
const plain = (value) => {{
  if (value?.base64 === undefined) return value;
  const bytes = Uint8Array.from(atob(value.base64), (char) => char.charCodeAt(0));
  return new DataView(bytes.buffer);
}};
const state = JSON.parse(document.getElementById("state").textContent, (_, value) => plain(value));
const model = {{ get: (name) => state[name], on() {{}}, off() {{}}, send() {{}} }};
render({{ model, el: document.getElementById("player") }});
</script></body></html>
"""


def write(page: Path, material: Material, video: str) -> Path:
    """Write the player of ``material`` to ``page``; ``video`` is the path of the video, relative to the page."""
    state = material.state() | {"media": "./" + quote(video), "can_correct": False}
    text = json.dumps(state, default=_base64).replace("<", "\\u003c")  # ends no script element
    with atomic_write(page, "w", encoding="utf-8") as file:
        file.write(
            PAGE.format(
                language=material.language,
                title=material.name.translate({ord("<"): "&lt;", ord("&"): "&amp;"}),
                css=bundle.STYLE.read_text(encoding="utf-8"),
                module=bundle.script(),
                state=text,
            )
        )
    return page


def _base64(data: Any) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}
