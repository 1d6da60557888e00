"""What the results of a video are called: after its stem, beside it and in the archive."""

PUBLISHED = {
    "shots_csv": ".csv",
    "audio_json": "_audio.json",
    "tracking_json": "_tracking.json",
    "tracking_parquet": "_tracking.parquet",
    "rttm": ".rttm",
}
"""Each result beside its video: ``<stem>`` and this. Editors' scripts look for these names."""

ARCHIVED = PUBLISHED | {"shots_csv": "_scenes.csv"}
"""Each result in the archive: ``<stem>`` and this."""
