"""Measure the player with an hour of video: bytes for the browser, time to the first picture, and time of a redraw.

    python benchmarks/player.py

The hour is made up: 2,000 shots, 1,200 turns of six speakers, 9,000 words, 300 items to check, and 300 tracks of 12
people with jittering boxes, written to a tracking table as the step *tracking* does. The page is opened in Chromium
without a GPU. What a table of the same boxes as JSON takes stands beside.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from playwright.sync_api import Page, sync_playwright

from vidlib.media import ffmpeg
from vidlib.player import page as player_page
from vidlib.player.material import TRACK_COLUMNS, Material
from vidlib.results import frames
from vidlib.results.exports import tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.timeline import Shot, Span, Turn, seconds

N_FRAMES, SIZE = 90_000, (1280, 720)
N_SHOTS, N_TURNS, N_WORDS, N_ITEMS, N_TRACKS, N_PEOPLE, N_SPEAKERS = 2_000, 1_200, 9_000, 300, 300, 12, 6
TRACK_FRAMES = 2 * N_FRAMES // N_TRACKS
GOAL_BYTES, GOAL_S = 3_000_000, 1.0

REDRAW = """async (span) => {
  const player = document.querySelector("#player").player;
  const { view } = player;
  const times = [];
  view.set(0, span);
  const step = Math.max(1, (view.frames - span) / 200);
  const began = performance.now();
  for (let i = 0; i < 200; i++) {
    await new Promise(requestAnimationFrame);
    const before = performance.now();
    view.set(i * step, span);
    player.draw();
    times.push(performance.now() - before);
  }
  return { times, shown: 200000 / (performance.now() - began) };
}"""
"""Pans over the whole video in 200 steps, one for each picture of the screen."""


def main() -> int:
    """Measure and print."""
    if (chromium := shutil.which("chromium")) is None:
        print("chromium is not installed: apt-get install chromium")
        return 1
    with tempfile.TemporaryDirectory(prefix="vidlib-bench-") as folder:
        table = write_tracks(Path(folder) / "tracking.parquet")
        material, read_s = timed(lambda: an_hour(table))
        state, state_s = timed(material.state)
        size = size_of(state)
        print(f"data of the hour                {size / 1e6:6.2f} MB   (goal: {GOAL_BYTES / 1e6:.0f} MB)")
        print(f"  of it {len(material.tracks):,} boxes           {len(state['boxes']) / 1e6:6.2f} MB")
        print(f"  the same boxes as JSON        {json_bytes(material.tracks) / 1e6:6.2f} MB")
        print(f"read tables, encode             {read_s:6.2f} s + {state_s:.2f} s")
        write_video(Path(folder) / "hour.mp4")
        path = player_page.write(Path(folder) / "hour.html", material, "hour.mp4")
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu"]
            with playwright.chromium.launch(executable_path=chromium, args=arguments) as browser:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                first_s = first_picture_s(page, path)
                print(f"open the page to first picture  {first_s:6.2f} s    (goal: {GOAL_S:.0f} s)")
                for name, span in {"the hour": N_FRAMES, "10 minutes": 15_000, "1 minute": 1_500, "10 s": 250}.items():
                    print_redraw(name, page.evaluate(REDRAW, span))
    return int(size > GOAL_BYTES)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` gives, and the seconds that it takes."""
    before = time.perf_counter()
    return work(), time.perf_counter() - before


def size_of(state: dict[str, Any]) -> int:
    """Bytes of all traits, as the widget sends them."""
    columns = [value for trait in state.values() if isinstance(trait, dict) for value in trait.values()]
    binary = sum(len(column) for column in columns if isinstance(column, bytes)) + len(state["boxes"])
    return binary + len(json.dumps(state["info"]).encode())


def json_bytes(tracks: pa.Table) -> int:
    """Bytes of the boxes as JSON, a row for each."""
    return len(json.dumps(tracks.to_pylist(), separators=(",", ":")))


def first_picture_s(page: Page, path: Path) -> float:
    """Seconds from opening the page to its first picture; the best of three."""
    times = []
    for _ in range(3):
        page.goto(path.as_uri())
        shown = page.wait_for_function("document.querySelector('.vp[data-frame]') && performance.now()")
        times.append(shown.json_value() / 1000)
    return min(times)


def print_redraw(name: str, measured: dict[str, Any]) -> None:
    times = sorted(measured["times"])
    median, worst = statistics.median(times), times[int(0.95 * len(times))]
    spread = f"{median:4.1f} ms median, {worst:4.1f} ms 95th percentile"
    print(f"a redraw while panning, {name:<10} {spread}, {measured['shown']:3.0f} pictures a second")


def an_hour(table: Path) -> Material:
    """The hour, with the tracks in ``table``."""
    edges = np.linspace(0, N_FRAMES, N_SHOTS + 1).astype(int).tolist()
    kinds = ["cut"] * 18 + ["dissolve", "fade"]
    shots = [Shot(Span(*edges[i : i + 2]), kinds[i % 20] if i else "start", 0.9) for i in range(N_SHOTS)]  # type: ignore[arg-type]
    turns = [Turn(i * 3.0, i * 3.0 + 2.8, f"SPEAKER_{i % N_SPEAKERS:02}", 0.8) for i in range(N_TURNS)]
    tracks = [dict.fromkeys(range(n, N_TRACKS + 1, N_PEOPLE), 0.9) for n in range(1, N_PEOPLE + 1)]
    people = [Person(n + 1, tracks[n], 0, 0, f"SPEAKER_{n % N_SPEAKERS:02}", 0.8) for n in range(N_PEOPLE)]
    return Material(
        *("hour.mp4", N_FRAMES, *SIZE, shots, turns),
        tracks=frames.tracks(table).select(TRACK_COLUMNS),
        people=people,
        words=pa.Table.from_pylist([word(i) for i in range(N_WORDS)], frames.schema("words")),
        review=pa.Table.from_pylist([item(i) for i in range(N_ITEMS)], frames.schema("review")),
    )


def word(i: int) -> dict[str, Any]:
    start = i * 10
    times = {"start": start, "stop": start + 8, "start_s": float(seconds(start)), "stop_s": float(seconds(start + 8))}
    return {**times, "text": f"word{i}", "speaker": f"SPEAKER_{i // 75 % N_SPEAKERS:02}", "confidence": 0.9}


def item(i: int) -> dict[str, Any]:
    frame = i * 300
    about = {"step": "tracking", "confidence": 0.5, "message": f"does face {i + 1} speak here?"}
    return {**about, "frame": frame, "time_s": float(seconds(frame))}


def write_tracks(path: Path) -> Path:
    """A tracking table of `N_TRACKS` tracks, two at any time, with boxes that jitter by 1.5 pixels."""
    random = np.random.default_rng(1)
    with tracking_table.writing(path, total_frames=N_FRAMES, width=SIZE[0], height=SIZE[1]) as write_shot:
        for number in range(0, N_TRACKS, 2):
            write_shot([track(number, random), track(number + 1, random)])
    return path


def track(number: int, random: np.random.Generator) -> TrackRows:
    speaker, n, shot = f"SPEAKER_{number % N_SPEAKERS:02}", TRACK_FRAMES, number // 2
    drift = np.cumsum(random.normal(0, 0.5, (n, 2)), axis=0) + random.normal(0, 1.5, (n, 2))
    corner = random.uniform((100, 50), (800, 300)) + drift
    boxes = np.hstack([corner, corner + 200 + random.normal(0, 1.5, (n, 2))])
    is_speaking = (np.arange(n) + 50 * number) % 100 < 50
    about = (number + 1, "face_landmarker", "face", speaker, shot + 1, shot * n)
    return TrackRows(*about, boxes, np.full(n, 0.9), is_speaking, is_speaking * 1.0, np.full((n, 52), 0.1))


def write_video(path: Path) -> None:
    """An hour of a test picture at 25 frames a second, with a key frame every second."""
    minute = path.with_name("minute.mp4")
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"]
    source = ["-f", "lavfi", "-i", f"testsrc=size={SIZE[0]}x{SIZE[1]}:rate=25:duration=60"]
    subprocess.run(ffmpeg.command(*source, *codec, str(minute)), check=True)
    again = ["-stream_loop", "59", "-i", str(minute), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run(ffmpeg.command(*again, str(path)), check=True)


if __name__ == "__main__":
    sys.exit(main())
