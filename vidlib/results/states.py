"""The states of runs, videos, steps and downloads, and their names for people: the only list of them."""

from vidlib.localization import gettext_noop as _

NAMES = {
    "done": _("done"),
    "partial": _("partial"),
    "failed": _("failed"),
    "refused": _("refused"),
    "broken": _("broken"),
    "skipped": _("skipped"),
    "cancelled": _("cancelled"),
    "interrupted": _("interrupted"),
    "running": _("running"),
    "waiting": _("waiting"),
    "archived": _("archived"),
    "cached": _("done before"),
    "starting": _("starting"),
    "cancelling": _("cancelling"),
    "known": _("known"),
    "downloading": _("downloading"),
    "paused": _("paused"),
    "manual": _("manual"),
}
"""A run is *partial* if some of its videos are done. A step is *broken* if its files are missing or changed. The
page of the dashboard translates these names by its catalogue."""

ARCHIVED = "archived"
"""The state of a video of the archive that the history does not know."""

WORST = ("failed", "refused", "cancelled", "interrupted")
"""States of a step that decide about its video, the worst first."""

OF_VIDEO = ("done", *WORST, "skipped", "running", ARCHIVED)
"""The states of a video in its newest run."""
