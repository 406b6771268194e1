"""Makers of archives that try to get out of a folder, fill a disk, or stall who unpacks them.

Each maker writes one archive into a folder and returns its path. The files are small; what they
announce, or would become, is not. None of them holds a data set.
"""

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

Maker = Callable[[Path], Path]

MEGABYTE = 2**20
ZEROS = bytes(MEGABYTE)
LARGE = 4000  # megabytes that a bomb becomes


class Entry(NamedTuple):
    """A member of a zip file, of which nothing needs to be true; None tells the truth."""

    name: bytes = b"a.png"
    data: bytes = b"pixels"
    method: int = 0
    size: int | None = None
    packed: bytes | None = None
    crc: int | None = None
    mode: int = 0o100644
    flags: int = 0x800  # names are UTF-8
    local_name: bytes | None = None


def zip_bytes(entries: Iterable[Entry]) -> bytes:
    """Return a zip file (APPNOTE 4.3)."""
    body, table, count = bytearray(), bytearray(), 0
    for one in entries:
        local, central = _headers(one, len(body))
        body += local + (one.data if one.packed is None else one.packed)
        table += central
        count += 1
    return bytes(body) + bytes(table) + end_record(len(table), count, len(body))


def _headers(one: Entry, at: int) -> tuple[bytes, bytes]:
    """Return what stands before a member, and what stands for it in the table of contents."""
    crc = zlib.crc32(one.data) if one.crc is None else one.crc
    size = len(one.data) if one.size is None else one.size
    packed = len(one.data if one.packed is None else one.packed)
    fields = (20, one.flags, one.method, 0, 0, crc, packed, size)
    name = one.name if one.local_name is None else one.local_name
    local = struct.pack("<4s5H3L2H", b"PK\3\4", *fields, len(name), 0) + name
    rest = (len(one.name), 0, 0, 0, 0, one.mode << 16, at)
    return local, struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x314, *fields, *rest) + one.name


def end_record(length: int, count: int, at: int) -> bytes:
    """Return the end of a zip file, which says how long its table is and where it stands."""
    few = min(count, 0xFFFF)
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, few, few, length, at, 0)


def zip_of(*entries: Entry) -> Maker:
    """Return the maker of a zip file with these members."""
    return lambda folder: save(folder / "case.zip", zip_bytes(entries))


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def deflated_zeros(megabytes: int) -> bytes:
    """Return a deflate stream, put together from one piece that is complete in itself."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * megabytes + b"\3\0"


def zip_overlapping(folder: Path) -> Path:
    """Five hundred entries of the table of contents, and one member for all of them."""
    member = Entry(packed=deflated_zeros(100), method=8, size=100 * MEGABYTE)
    local, _ = _headers(member, 0)
    body = local + member.packed
    names = [b"%05d" % number for number in range(500)]
    table = b"".join(_headers(member._replace(name=name), 0)[1] for name in names)
    return save(folder / "case.zip", body + table + end_record(len(table), 500, len(body)))


def zip_nested(folder: Path) -> Path:
    """Thirty-two zip files in a zip file, each of 100 megabytes."""
    zeros = bytes(100 * MEGABYTE)
    inner = zip_bytes([Entry(data=zeros, packed=deflated_zeros(100), method=8)])
    entries = [Entry(b"images%d.zip" % number, inner) for number in range(32)]
    return save(folder / "case.zip", zip_bytes(entries))


def zip_100000_members(folder: Path) -> Path:
    entries = (Entry(b"images/%06d.png" % number, b"") for number in range(100_000))
    return save(folder / "case.zip", zip_bytes(entries))


def zip_million_entries(folder: Path) -> Path:
    """A table of contents that takes a gigabyte of memory when it is read."""
    local, central = _headers(Entry(b"", b""), 0)
    table = central * 1_000_000
    return save(folder / "case.zip", local + table + end_record(len(table), 65535, len(local)))


def zip_million_entries_signposted(folder: Path) -> Path:
    """The same, where only the records of large files tell of it, and a decoy of theirs."""
    local, central = _headers(Entry(b"", b""), 0)
    table = central * 1_000_000
    numbers = (44, 45, 45, 0, 0, 1_000_000, 1_000_000)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *numbers, len(table), len(local))
    signpost = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    end = end_record(0xFFFFFFFF, 65535, 0xFFFFFFFF)
    return save(folder / "case.zip", local + table + record + signpost + end)


def zip_cut_off(folder: Path) -> Path:
    return save(folder / "case.zip", zip_bytes([Entry(data=b"pixels" * 100)])[:-30])


def header(
    name: str = "a.png", kind: bytes = tarfile.REGTYPE, size: int = 0, linkname: str = ""
) -> bytes:
    """Return a header of a tar file."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, linkname
    return info.tobuf(tarfile.GNU_FORMAT)


def filled(content: bytes) -> bytes:
    """Return content up to the end of its last block."""
    return content + bytes(-len(content) % 512)


def tar_of(*parts: bytes) -> Maker:
    """Return the maker of a tar file with these headers and contents."""
    return lambda folder: save(folder / "case.tar", b"".join(parts) + bytes(1024))


def pax(*records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Return an extended header of a tar file, given its records such as ``path=a.png``."""
    content = b"".join(_record(record) for record in records)
    return header("pax", kind, len(content)) + filled(content)


def _record(record: bytes) -> bytes:
    length = len(record) + 3
    while length != len(record) + 2 + len(str(length)):
        length = len(record) + 2 + len(str(length))
    return b"%d %s\n" % (length, record)


def tar_named(*names: bytes) -> Maker:
    """Return the maker of a tar file of small files with these names, of any length."""
    pieces = [pax(b"path=" + name) + header(size=6) + filled(b"pixels") for name in names]
    return tar_of(*pieces)


def packed_zeros(pack: Callable[[bytes], bytes], suffix: str, head: bytes) -> Maker:
    """Return the maker of a packed tar file that goes on with 4 GB of zeros after its head."""

    def make(folder: Path) -> Path:
        return save(folder / f"case.tar.{suffix}", pack(head) + pack(ZEROS) * LARGE)

    return make


def tar_headers_without_end(folder: Path) -> Path:
    """Two million headers of long links, and no member."""
    some = gzip.compress(header("link", tarfile.GNUTYPE_LONGLINK) * 2048)
    return save(folder / "case.tar.gz", some * 1000)


def tar_100000_members(folder: Path) -> Path:
    blocks = [_renamed(header(), b"images/%06d.png" % number) for number in range(100_000)]
    return save(folder / "case.tar.gz", gzip.compress(b"".join(blocks) + bytes(1024), 1))


def _renamed(block: bytes, name: bytes) -> bytes:
    """Return a header with another name and the checksum that it needs."""
    block = name.ljust(100, b"\0") + block[100:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def tar_cut_off(folder: Path) -> Path:
    content = header(size=10**6) + bytes(range(256)) * 3000
    return save(folder / "case.tar.gz", gzip.compress(content)[:-20])


NAMES: dict[str, tuple[bytes, ...]] = {
    "parent": (b"../out.png",),
    "parent_within": (b"images/../../out.png",),
    "absolute": (b"/tmp/out.png",),
    "drive": (b"C:/out.png",),
    "drive_relative": (b"C:out.png",),
    "share": (b"//server/share/out.png",),
    "share_backslashes": (b"\\\\server\\share\\out.png",),
    "parent_backslash": (b"..\\out.png",),
    "backslash": (b"images\\out.png",),
    "url": (b"file:///tmp/out.png",),
    "zero_byte": (b"a.png\0.exe",),
    "escape_sequence": (b"a\x1b[2J.png",),
    "line_break": (b"a.png\nError: b.png",),
    "turned": ("a\u202egnp.exe".encode(),),
    "not_utf8": (b"\xff\xfe.png",),
    "device": (b"images/CON.png",),
    "device_alone": (b"aux",),
    "dot_at_end": (b"images./a.png",),
    "space_at_end": (b"a.png ",),
    "stream": (b"a.png:hidden",),
    "long_name": (b"a" * 300 + b".png",),
    "long_path": (b"/".join([b"a" * 200] * 6) + b".png",),
    "deep": (b"a/" * 400 + b"a.png",),
    "empty": (b"./",),
    "twice": (b"a.png", b"a.png"),
    "case_twins": (b"a.png", b"A.PNG"),
    "folder_twins": (b"images/a.png", b"Images/b.png"),
    "accent_twins": ("\u00e9.png".encode(), "e\u0301.png".encode()),
    "file_and_folder": (b"images", b"images/a.png"),
    "folder_and_file": (b"images/a.png", b"IMAGES"),
}
BOMB = Entry(packed=deflated_zeros(LARGE), method=8, size=LARGE * MEGABYTE)
ZIPS: dict[str, Maker] = {
    **{name: zip_of(*map(Entry, names)) for name, names in NAMES.items() if name != "empty"},
    "link": zip_of(Entry(data=b"/etc/passwd", mode=0o120777)),
    "through_link": zip_of(Entry(b"x", b"/tmp", mode=0o120777), Entry(b"x/out.png")),
    "device_file": zip_of(Entry(data=b"", mode=0o020666)),
    "pipe": zip_of(Entry(data=b"", mode=0o010644)),
    "encrypted": zip_of(Entry(flags=0x801)),
    "strange_method": zip_of(Entry(method=9)),
    "bzip2_bomb": zip_of(BOMB._replace(packed=bz2.compress(ZEROS) * LARGE, method=12)),
    "bomb": zip_of(BOMB),
    "bomb_that_lies": zip_of(BOMB._replace(size=1000)),
    "bomb_that_lies_twice": zip_of(BOMB._replace(size=1000, crc=zlib.crc32(bytes(1000)))),
    "overlapping": zip_overlapping,
    "nested": zip_nested,
    "announces_more": zip_of(Entry(size=1000)),
    "announces_4_gigabytes": zip_of(Entry(size=0xFFFFFFFE)),
    "wrong_checksum": zip_of(Entry(crc=1)),
    "two_names": zip_of(Entry(local_name=b"b.png")),
    "100000_members": zip_100000_members,
    "million_entries": zip_million_entries,
    "million_entries_signposted": zip_million_entries_signposted,
    "cut_off": zip_cut_off,
    "without_members": zip_of(),
}
TARS: dict[str, Maker] = {
    **{name: tar_named(*names) for name, names in NAMES.items()},
    "link": tar_of(header(kind=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "hard_link": tar_of(header(kind=tarfile.LNKTYPE, linkname="/etc/passwd")),
    "through_link": tar_of(header("x", tarfile.SYMTYPE, linkname="/tmp"), header("x/out.png")),
    "character_device": tar_of(header(kind=tarfile.CHRTYPE)),
    "block_device": tar_of(header(kind=tarfile.BLKTYPE)),
    "pipe": tar_of(header(kind=tarfile.FIFOTYPE)),
    "unknown_kind": tar_of(header(kind=b"Z")),
    "sparse": tar_of(header(kind=tarfile.GNUTYPE_SPARSE)),
    "sparse_pax": tar_of(pax(b"GNU.sparse.major=1", b"GNU.sparse.realsize=1000000"), header()),
    "bomb_gz": packed_zeros(gzip.compress, "gz", header(size=LARGE * MEGABYTE)),
    "bomb_bz2": packed_zeros(bz2.compress, "bz2", header(size=LARGE * MEGABYTE)),
    "bomb_xz": packed_zeros(lzma.compress, "xz", header(size=LARGE * MEGABYTE)),
    "long_header": packed_zeros(gzip.compress, "gz", header("pax", b"x", LARGE * MEGABYTE)),
    "long_name_header": packed_zeros(gzip.compress, "gz", header("name", b"L", LARGE * MEGABYTE)),
    "announces_exabytes": tar_of(header(size=2**62)),
    "announces_minus": tar_of(header(size=-512)),
    "size_that_is_none": tar_of(pax(b"size=many"), header()),
    "one_name_for_all": tar_of(pax(b"path=a.png", kind=tarfile.XGLTYPE), header()),
    "broken_record": tar_of(header("pax", b"x", 20) + filled(b"99999 path=a.png\n"), header()),
    "record_that_goes_back": tar_of(header("pax", b"x", 20) + filled(b"-1 path=a.png\n"), header()),
    "record_that_ends_early": tar_of(
        header("pax", b"x", 17) + filled(b"14 path=images\nab"), header()
    ),
    "record_without_length": tar_of(header("pax", b"x", 20) + filled(b"0 path=a.png\n"), header()),
    "broken_header": tar_of(header(), b"\1" * 512),
    "headers_without_end": tar_headers_without_end,
    "100000_members": tar_100000_members,
    "cut_off": tar_cut_off,
}
OTHERS: dict[str, Maker] = {
    "empty_file": lambda folder: save(folder / "case.zip", b""),
    "text": lambda folder: save(folder / "case.zip", b"<html>Sign in to download</html>"),
    "gzip_without_tar": lambda folder: save(folder / "case.tar.gz", gzip.compress(b"text" * 999)),
    "seven_zip": lambda folder: save(folder / "case.zip", b"7z\xbc\xaf\x27\x1c" + bytes(100)),
    "rar": lambda folder: save(folder / "case.zip", b"Rar!\x1a\x07" + bytes(100)),
}
CASES: dict[str, Maker] = {
    **{f"zip_{name}": make for name, make in ZIPS.items()},
    **{f"tar_{name}": make for name, make in TARS.items()},
    **OTHERS,
}
