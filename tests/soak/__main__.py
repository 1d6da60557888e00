"""`python -m tests.soak`: kills, faults, full disks and hostile files by the hundred, and a table of what they did."""

import argparse
import logging
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.runner.store import writers
from tests.soak import batch, disk, faults, fuzz, kills
from tests.soak.verdict import Tally

SCENARIOS = ("writers", "fuzz", "kills", "faults", "disk")
WRITERS, EVENTS = 16, 500
MUTANTS = 20_000


def main() -> int:
    """Run the scenarios asked for; the exit code is 0 if nothing was lost, doubled, changed or left behind."""
    asked = _asked()
    print(f"seed {asked.seed}, in {asked.folder}", flush=True)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("soak").setLevel(logging.INFO)
    rng = random.Random(asked.seed)
    tallies: list[Tally] = []
    for scenario in asked.scenarios or SCENARIOS:
        tallies += _scenario(scenario, asked, rng)
    print(table(tallies))
    return 0 if all(tally.clean for tally in tallies) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="|".join(SCENARIOS), help="default: all")
    parser.add_argument("--points", type=int, help="how many of each; default 60 kills, every fault, 20000 archives")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat what was drawn by lot")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in; default a new one in /tmp")
    asked = parser.parse_args()
    if unknown := set(asked.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario is called {min(unknown)!r}; there are {', '.join(SCENARIOS)}")
    asked.folder = asked.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    return asked


def _scenario(name: str, asked: argparse.Namespace, rng: random.Random) -> Sequence[Tally]:
    if name == "writers":
        return [_writers(asked.folder)]
    if name == "fuzz":
        return [fuzz.fuzz(asked.folder, asked.points or MUTANTS, rng)]
    if name == "faults":
        if problem := faults.why_not():
            print(f"faults are left out: {problem}")
            return []
        return faults.faults(asked.folder, asked.points, rng)
    tiny = batch.tiny(asked.folder / f"{name} inbox")
    source = asked.folder / f"{name} undisturbed" / "workspace"
    wanted = batch.undisturbed(tiny, source)
    if name == "kills":
        redo = kills.Redo(source)
        return [kills.kills(tiny, wanted, redo, asked.folder, asked.points or 60, rng)]
    if problem := disk.why_not():
        print(f"full disks are left out: {problem}")
        return []
    return [disk.full_disks(tiny, wanted, source, asked.folder, asked.points or 20, rng)]


def _writers(folder: Path) -> Tally:
    """Processes that write events to one history at once; `written` itself refuses an event that is there twice."""
    found = writers.written(f"sqlite:///{folder / 'writers.sqlite'}", WRITERS, EVENTS)
    wanted = writers.all_of(WRITERS, EVENTS)
    return Tally("writers", points=len(wanted), lost=len(wanted - found), differing=len(found - wanted))


def table(tallies: Sequence[Tally]) -> str:
    """The table of all scenarios."""
    names = ("points", "lost", "doubled", "differing")
    lines = [" | ".join(["scenario".ljust(16), *names])]
    for tally in tallies:
        numbers = [str(getattr(tally, name)).rjust(len(name)) for name in names]
        lines.append(" | ".join([tally.scenario.ljust(16), *numbers]) + (" !" if tally.problems else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
