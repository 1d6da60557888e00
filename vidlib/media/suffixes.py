"""The suffixes of video files, in one place for inbox, projects, results and plots."""

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".gxf", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov",
    ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv",
})
# fmt: on
"""Lower-case suffixes of the formats that the convert step reads; `is_video_name` compares without case.

A suffix only selects candidates in a folder. Whether a file is a video, `vidlib.media.probe` finds out.
"""


def is_video_name(name: str) -> bool:
    """Return whether a file of this name may be a video.

    >>> is_video_name("CLIP.MOV"), is_video_name("clip.mov.txt"), is_video_name(".mov")
    (True, False, False)
    """
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and dot + suffix.lower() in VIDEO_SUFFIXES
