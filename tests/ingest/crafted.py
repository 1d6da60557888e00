"""Archives that no tool would pack: RAR, for which there is no free packer, and hostile ZIPs and TARs."""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

RAR_MAIN, RAR_FILE, RAR_ENCRYPTION, RAR_END = 1, 2, 4, 5  # types of blocks
RAR_LINK_RECORD, RAR_ENCRYPTION_RECORD = 5, 1  # types of records in a file block


def rar(*blocks: bytes) -> bytes:
    """A RAR 5 archive of `rar_file` blocks, as https://www.rarlab.com/technote.htm says."""
    return b"Rar!\x1a\x07\x01\x00" + rar_block(RAR_MAIN, vint(0)) + b"".join(blocks) + rar_block(RAR_END, vint(0))


def rar_file(name: str, data: bytes, *, crc: int | None = None, mode: int = 0o100644, record: bytes = b"") -> bytes:
    """A stored file; ``crc`` is the right one unless given."""
    crc = zlib.crc32(data) if crc is None else crc
    has_crc, made_on_unix, stored = vint(4), vint(1), vint(0)
    head = has_crc + vint(len(data)) + vint(mode) + struct.pack("<I", crc) + stored + made_on_unix
    return rar_block(RAR_FILE, head + vint(len(name.encode())) + name.encode(), record, data)


def rar_symlink(name: str, to: str) -> bytes:
    return rar_link(name, to, kind=1)


def rar_link(name: str, to: str, kind: int) -> bytes:
    """A link of Unix (1) or Windows (2), a junction (3), a hard link (4) or a reference to an equal file (5)."""
    record = vint(RAR_LINK_RECORD) + vint(kind) + vint(0) + vint(len(to)) + to.encode()
    return rar_file(name, b"", mode=0o120777, record=vint(len(record)) + record)


def rar_encrypted(name: str, data: bytes) -> bytes:
    record = vint(RAR_ENCRYPTION_RECORD) + vint(0) + vint(0) + bytes([15]) + bytes(32)
    return rar_file(name, data, record=vint(len(record)) + record)


def rar_block(kind: int, body: bytes, record: bytes = b"", data: bytes = b"") -> bytes:
    sizes = (vint(len(record)) if record else b"") + (vint(len(data)) if data else b"")
    head = vint(kind) + vint(bool(record) | bool(data) << 1) + sizes + body + record
    head = vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head + data


def vint(number: int) -> bytes:
    """RAR's integers: seven bits a byte, lowest first, the eighth says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def zip_with_raw_names(path: Path, files: dict[bytes, bytes], flags: int = 0) -> Path:
    """A ZIP whose names are these very bytes; ``flags`` 0x800 says that they are UTF-8."""
    marks = {name: b"\x01%06d\x02" % i + b"x" * (len(name) - 8) for i, name in enumerate(files)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(marks[name].decode(), data)
    content = buffer.getvalue()
    for name, mark in marks.items():
        content = content.replace(mark, name)
    path.write_bytes(set_zip_flags(content, flags))
    return path


def set_zip_flags(content: bytes, flags: int) -> bytes:
    """Switch ``flags`` on in every header of a ZIP."""
    out = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset : at + offset + 2] = struct.pack("<H", flags)
            at = out.find(signature, at + 4)
    return bytes(out)


def zip_of_overlaps(path: Path, n_members: int, size: int) -> Path:
    """Many directory entries for one and the same member: the core of David Fifield's bomb."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a", b"x" * size)
        packed.filelist *= n_members
    path.write_bytes(buffer.getvalue())
    return path


def tar_header(name: str, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_pax(fields: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header with these fields, for the next member, or for all (``g``)."""
    body = b"".join(_pax_record(name, value) for name, value in fields.items())
    return tar_header("pax", kind, len(body)) + body + bytes(-len(body) % tarfile.BLOCKSIZE)


def _pax_record(name: str, value: str) -> bytes:
    rest = f" {name}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    return str(len(rest) + len(str(length))).encode() + rest


def tar_sparse(name: str, size: int, *, more: bool = False) -> bytes:
    """A file of ``size`` bytes of which the archive holds the first 512, in GNU's old format.

    ``more`` says that blocks with more of its map follow.
    """
    header = bytearray(tar_header(name, tarfile.GNUTYPE_SPARSE, 512))
    header[386:482] = (tarfile.itn(0, 12) + tarfile.itn(512, 12)).ljust(96, b"\0")
    header[482:495] = bytes([more]) + tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + (b"" if more else b"x" * 512)


def tar_sparse_map(n_blocks: int) -> bytes:
    """A sparse file whose map goes on for ``n_blocks``."""
    block = (tarfile.itn(1, 12) * 42).ljust(504, b"\0") + b"\1" + bytes(7)
    return tar_sparse("map.mov", 512, more=True) + block * n_blocks
