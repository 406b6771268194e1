"""Pictures and NPZ files that are broken, or made to crash, stall or swell their reader.

`CASES` maps a name to a function that writes such a file into a folder and returns its path. Each
must be refused in one sentence that names it.
"""

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from PIL import Image
from tiff_maker import tiff

_NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def png(
    size: tuple[int, int], depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]
) -> bytes:
    """Return a PNG file with these bytes as rows, and chunks before them (PNG, 5)."""
    header = struct.pack(">LLBBBBB", *size, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(content)) + kind + content
        + struct.pack(">L", zlib.crc32(kind + content))
        for kind, content in parts
    )  # fmt: skip


def deflated_zeros(megabytes: int) -> bytes:
    """Return so many zero bytes, deflated: one block, again and again (RFC 1951)."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + b"\x03\x00"


def _zlib_zeros(megabytes: int) -> bytes:
    """Return so many zero bytes as a zlib stream; their Adler-32 is 1 and their count."""
    count = megabytes * 2**20
    return b"\x78\x9c" + deflated_zeros(megabytes) + struct.pack(">HH", count % 65521, 1)


def _saved(kind: str, picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _cut(kind: str, share: float = 0.5, **options: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        whole = _saved(kind, Image.fromarray(_NOISE), **options)
        return whole[: int(len(whole) * share)]

    return made


def _large_png(side: int) -> bytes:
    return png((side, side), 1, 0, _zlib_zeros((side // 8 + 1) * side // 2**20 + 1))


def _png_text_bomb() -> bytes:
    text = b"Comment\0\0" + _zlib_zeros(256)
    return png((1, 1), 8, 0, zlib.compress(b"\0\0"), (b"zTXt", text))


def _png_profile_bomb() -> bytes:
    profile = b"ICC\0\0" + _zlib_zeros(256)
    return png((1, 1), 8, 0, zlib.compress(b"\0\0"), (b"iCCP", profile))


def _png_without_rows() -> bytes:
    return png((64, 64), 8, 0, zlib.compress(b""))


def _png_wrong_checksum() -> bytes:
    content = bytearray(png((4, 4), 8, 0, zlib.compress(bytes(20))))
    content[29] ^= 0xFF
    return bytes(content)


def _png_chunk_longer_than_file() -> bytes:
    header = struct.pack(">LLBBBBB", 4, 4, 8, 0, 0, 0, 0)
    start = (
        struct.pack(">L", 13) + b"IHDR" + header + struct.pack(">L", zlib.crc32(b"IHDR" + header))
    )
    return b"\x89PNG\r\n\x1a\n" + start + struct.pack(">L", 2**31 - 1) + b"IDAT" + bytes(8)


def _deep_png_chunk_longer_than_file() -> bytes:
    """Return a whole picture of 16 bits a channel whose last chunk announces 4 GB."""
    content = png((4, 4), 16, 2, zlib.compress(bytes(4 * 25)))
    place = content.index(b"IDAT") - 4
    return content[:place] + struct.pack(">L", 2**32 - 100) + content[place + 4 :]


def _frames(kind: str, count: int) -> bytes:
    pages = [Image.new("L", (2, 2), 255 * (number % 2)) for number in range(count)]
    options = {"save_all": True, "append_images": pages[1:], "duration": 20}
    return _saved(kind, pages[0], **options)


def _gif_of_many_frames() -> bytes:
    start = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return start + frame * 5000 + b";"


def _gif_larger_inside() -> bytes:
    start = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    return start + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\x00;"


def _jpeg_of_65535() -> bytes:
    content = bytearray(_saved("JPEG", Image.fromarray(_NOISE[..., 0])))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65535, 65535)
    return bytes(content)


def _tiff_in_a_circle() -> bytes:
    content = bytearray(tiff(*[_NOISE[..., 0]] * 3))
    first = struct.unpack("<L", content[4:8])[0]
    places, place = [], first
    while place:
        link = place + 2 + 12 * struct.unpack("<H", content[place : place + 2])[0]
        places.append(link)
        place = struct.unpack("<L", content[link : link + 4])[0]
    content[places[-1] : places[-1] + 4] = struct.pack("<L", first)
    return bytes(content)


def _tiff_with_a_tag(tag: int, count: int, value: int) -> bytes:
    """Return a TIFF whose directory announces so many values of a tag, at some place."""
    content = bytearray(tiff(_NOISE[..., 0]))
    place = struct.unpack("<L", content[4:8])[0]
    (entries,) = struct.unpack("<H", content[place : place + 2])
    for number in range(entries):
        start = place + 2 + 12 * number
        if struct.unpack("<H", content[start : start + 2])[0] == tag:
            content[start + 4 : start + 12] = struct.pack("<LL", count, value)
    return bytes(content)


def _tiff_of_many_tags() -> bytes:
    return b"II*\0" + struct.pack("<LH", 8, 65535) + b"\xff" * 12 * 1000


def _tiff_of_many_pages() -> bytes:
    return tiff(*[np.zeros((1, 1), np.uint8)] * 3000)


def _float_tiff_bomb() -> bytes:
    content = bytearray(tiff(np.zeros((4, 4, 3), np.float32)))
    place = struct.unpack("<L", content[4:8])[0]
    for entry in (0, 1):
        start = place + 2 + 12 * entry + 8
        content[start : start + 4] = struct.pack("<L", 9999)
    return bytes(content)


def _webp_of_many_frames() -> bytes:
    return _frames("WEBP", 2500)


def _npz(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def array_header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    """Return the start of an NPY file that announces an array (NEP 1)."""
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _npz_announcing(shape: tuple[int, ...], compression: int) -> Callable[[], bytes]:
    return lambda: _npz({"data.npy": array_header(shape) + bytes(100)}, compression)


def _npz_bomb() -> bytes:
    """Return an NPZ of zeros that is packed a thousandfold."""
    start = array_header((600, 1024, 1024))
    packer = zlib.compressobj(0, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH) + deflated_zeros(600)
    whole = zlib.crc32(start)
    for _ in range(600):
        whole = zlib.crc32(bytes(2**20), whole)
    sizes = struct.pack("<LLL", whole, len(packed), len(start) + 600 * 2**20)
    common = b"\x14\0\0\0\x08\0\0\0\0\0" + sizes + struct.pack("<HH", 8, 0)
    member = b"PK\x03\x04" + common + b"data.npy" + packed
    entry = b"PK\x01\x02\x14\0" + common + bytes(14) + b"data.npy"
    end = struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(member), 0)
    return member + entry + b"PK\x05\x06" + end


def _npz_lying_about_sizes(size: int) -> bytes:
    """Return an NPZ whose index announces another size than is stored."""
    side = int((size - 128) ** 0.5) // 8
    content = bytearray(_npz({"data.npy": array_header((64, side, side)) + bytes(8)}, 0))
    entry = content.index(b"PK\x01\x02")
    announced = 128 + 64 * side * side
    content[entry + 20 : entry + 28] = struct.pack("<LL", announced, announced)
    content[18:26] = struct.pack("<LL", announced, announced)
    return bytes(content)


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("a-pickle-was-loaded"),)


def _npz_pickle() -> bytes:
    header = array_header((1,), "|O")
    return _npz({"data.npy": header + pickle.dumps(_Runs())})


def _npz_twin() -> bytes:
    """Return an NPZ with a member of the same name without its suffix, which is a bomb."""
    bomb = array_header((10**5, 10**5)) + bytes(100)
    honest = io.BytesIO()
    npy.write_array(honest, np.zeros((2, 8, 8), np.complex64))
    return _npz({"data": bomb, "data.npy": honest.getvalue()})


def _npz_encrypted() -> bytes:
    content = bytearray(_npz({"data.npy": array_header((1, 2, 2)) + bytes(4)}, 0))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _npz_wrong_checksum() -> bytes:
    honest = io.BytesIO()
    npy.write_array(honest, _NOISE)
    content = bytearray(_npz({"data.npy": honest.getvalue()}))
    content[len(content) // 2] ^= 0xFF
    return bytes(content)


def _npz_of_many_arrays() -> bytes:
    member = array_header((1, 1, 1)) + b"\0"
    return _npz({f"{number}.npy": member for number in range(3000)} | {"data.npy": member}, 0)


# File name -> what it holds. An NPZ file is read by its array `data`.
_CONTENTS: dict[str, Callable[[], bytes]] = {
    "empty.png": lambda: b"",
    "text.png": lambda: b"This is a text, and no image.\n",
    "zeros.png": lambda: bytes(4096),
    "script.jpg": lambda: b"\xff\xd8\xff<script>alert(1)</script>",
    "truncated.jpg": _cut("JPEG"),
    "truncated-progressive.jpg": _cut("JPEG", progressive=True),
    "truncated.png": _cut("PNG"),
    "truncated.tif": _cut("TIFF"),
    "truncated-lzw.tif": _cut("TIFF", compression="tiff_lzw"),
    "truncated.bmp": _cut("BMP"),
    "truncated.gif": _cut("GIF"),
    "truncated.webp": _cut("WEBP"),
    "truncated-float.tif": lambda: tiff(_NOISE.astype(np.float32))[:9000],
    "header-only.jpg": _cut("JPEG", 0.1),
    "12000.png": lambda: _large_png(12_000),
    "60000.png": lambda: _large_png(60_000),
    "text-bomb.png": _png_text_bomb,
    "profile-bomb.png": _png_profile_bomb,
    "no-rows.png": _png_without_rows,
    "checksum.png": _png_wrong_checksum,
    "long-chunk.png": _png_chunk_longer_than_file,
    "long-chunk-16.png": _deep_png_chunk_longer_than_file,
    "no-size.png": lambda: png((0, 0), 8, 0, zlib.compress(b"")),
    "65535.jpg": _jpeg_of_65535,
    "frames.gif": _gif_of_many_frames,
    "frames.webp": _webp_of_many_frames,
    "65535.gif": _gif_larger_inside,
    "circle.tif": _tiff_in_a_circle,
    "pages.tif": _tiff_of_many_pages,
    "tags.tif": _tiff_of_many_tags,
    "tag-count.tif": lambda: _tiff_with_a_tag(273, 2**32 - 1, 8),
    "strip-far-away.tif": lambda: _tiff_with_a_tag(273, 1, 2**32 - 16),
    "4294967295.tif": lambda: _tiff_with_a_tag(256, 1, 2**32 - 1),
    "no-width.tif": lambda: _tiff_with_a_tag(256, 1, 0),
    "float-bomb.tif": _float_tiff_bomb,
    "far-page.tif": lambda: b"II*\0" + struct.pack("<L", 2**32 - 2),
    "empty.npz": lambda: b"",
    "text.npz": lambda: b"This is a text, and no archive.\n",
    "truncated.npz": lambda: _npz({"data.npy": array_header((1, 8, 8)) + bytes(64)})[:60],
    "announcing.npz": _npz_announcing((10**6, 10**6), zipfile.ZIP_STORED),
    "announcing-packed.npz": _npz_announcing((10**6, 10**6, 3), zipfile.ZIP_DEFLATED),
    "negative.npz": _npz_announcing((-1, -10, 10), zipfile.ZIP_STORED),
    "bomb.npz": _npz_bomb,
    "pickle.npz": _npz_pickle,
    "lying.npz": lambda: _npz_lying_about_sizes(2**30),
    "twin.npz": _npz_twin,
    "encrypted.npz": _npz_encrypted,
    "checksum.npz": _npz_wrong_checksum,
    "arrays.npz": _npz_of_many_arrays,
    "nested.npz": lambda: _npz({"data.zip": _npz({"data.npy": b""})}),
    "nested-member.npz": lambda: _npz({"data.npy": _npz({"data.npy": b""})}),
    "no-array.npz": lambda: _npz({}),
}


def _writer(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(_CONTENTS[name]())
        return path

    return write


CASES: dict[str, Callable[[Path], Path]] = {name: _writer(name) for name in _CONTENTS}
