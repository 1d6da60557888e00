"""Refuses playlists and scripts with a video's name, by their content, before FFmpeg opens them.

FFmpeg would open the files and hosts that they name. `vidlib.media.ffmpeg.FORMATS` makes FFmpeg refuse them too; the
check here does not depend on FFmpeg's version.
"""

from pathlib import Path

from vidlib.errors import MediaError

HEAD_BYTES = 4096

MARKS = (b"#extm3u", b"ffconcat", b"v=0", b"<", b"[playlist]", b"[reference]", b"rtsptext", b"# vobsub")
"""First bytes in lower case: HLS, concat scripts, SDP, XML (DASH, IMF, SMIL, ASX), and others."""

BINARY_WITH_A_TEXT_IN_FRONT = (b"YUV4MPEG2 ", b"#!AMR", b"nut/multimedia container")

TEXT = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\n\r\f\x1b"})
"""Bytes of text in any encoding that contains ASCII; every video has other bytes near its beginning."""


def refuse_playlist(path: Path) -> None:
    """Raise MediaError for a text file, whatever its name."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_text = head and not head.translate(None, TEXT) and not head.startswith(BINARY_WITH_A_TEXT_IN_FRONT)
    if is_text or begin.startswith(MARKS):
        raise MediaError(
            f"{path.name!r} is a text, such as a playlist or a script; expected a video. No file in it was opened"
        )
