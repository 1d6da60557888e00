"""Playlists and scripts under a video's name, told by their content before ffmpeg is shown them.

What they name (another file, a host) would be opened in place of them. FFmpeg is told to refuse them too, see
`vidlib.media.ffmpeg.FORMATS`; this does not depend on its version.
"""

from pathlib import Path

from vidlib.errors import MediaError

HEAD_BYTES = 4096

MARKS = (b"#extm3u", b"ffconcat", b"v=0", b"<", b"[playlist]", b"[reference]", b"rtsptext", b"# vobsub")
"""How they begin, in small letters: HLS, concat scripts, SDP, all that is XML (DASH, IMF, SMIL, ASX), and others."""

BINARY_WITH_A_TEXT_IN_FRONT = (b"YUV4MPEG2 ", b"#!AMR", b"nut/multimedia container")

TEXT = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\n\r\f\x1b"})
"""What may be in a text, in any encoding that has ASCII in it; every video has other bytes near its beginning."""


def refuse_playlist(path: Path) -> None:
    """Raise MediaError for a file that is a text, whatever it is called."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_text = head and not head.translate(None, TEXT) and not head.startswith(BINARY_WITH_A_TEXT_IN_FRONT)
    if is_text or begin.startswith(MARKS):
        raise MediaError(
            f"{path.name!r} is a text, such as a playlist or a script, and no video; nothing that it names was opened"
        )
