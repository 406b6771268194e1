"""Whole files of every format that fastmed reads, small enough that most edits hit something.

Checksums and compression would have most edits refused at the door. So some seeds are the inside
of a file, which is edited and then wrapped in an outside that is right.
"""

import gzip
import io
import json
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import uid

sys.path.append(str(Path(__file__).parent.parent / "data"))
from made import write_dicom, write_pieces

from fastmed.taskfile import find_task

_GREY = np.add.outer(np.arange(40), np.arange(36)).astype(np.uint8) * 3
_COLOUR = np.stack([_GREY, _GREY[::-1], _GREY[:, ::-1]], axis=-1)
_DEEP = _GREY.astype(np.uint16) * 200
_WINDOW = {"WindowCenter": 3000, "WindowWidth": 2000, "RescaleSlope": 2, "RescaleIntercept": -5}
_TASK = """
[mine]
title = "A task"
goal = "category"
classes = ["normal", "nodule"]
source = { kind = "table", file = "labels.csv", image = "image", label = "label" }
image = { size = 64, fit = "letterbox" }
train = { arch = "resnet18", epochs = 3, lr = 0.001 }
"""
_CSV = b"image,label,age\n" + b"".join(
    b"image_%d.png,%d,%d\n" % (n, n % 2, 30 + n) for n in range(20)
)

_RUN = {
    "status": "done", "created": "2026-01-01T00:00:00+00:00", "versions": {"fastmed": "0.1"},
    "data": "../../data", "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "best_epoch": 3,
    "inputs": {"new": "../../new"}, "cut_points": [0.5, 1.5], "scale": 0.25,
    "calibration": {
        "temperature": 1.5, "weights": [0.5, 1.0, 2.0], "shares": [0.6, 0.3, 0.1], "n": 20,
        "rows_sha256": 64 * "0",
    },
}  # fmt: skip
_ITEMS = b"item,image,array,index,target,group,split,copies,loss,meta_age\n" + b"".join(
    b"a_%d.png,a_%d.png,,-1,healthy,'=%d,train,1,0.%d,%d\n" % (n, n, n, n, 30 + n) for n in range(9)
)


def _picture(values: np.ndarray, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def _palette(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_COLOUR).quantize(16).save(buffer, kind)
    return buffer.getvalue()


def _pages() -> bytes:
    buffer = io.BytesIO()
    pages = [Image.fromarray(_GREY), Image.fromarray(_GREY.T)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    return buffer.getvalue()


def _dicom(values: np.ndarray, syntax: str = uid.ExplicitVRLittleEndian, **fields: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        fields = {"SOPInstanceUID": "1.2.3", "PatientAge": "049Y", **fields}
        return write_dicom(Path(folder) / "a.dcm", values, syntax, **fields).read_bytes()


def _jpeg_dicom() -> bytes:
    pieces = [_picture(_GREY, "JPEG")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcm"
        write_pieces(path, _GREY, uid.JPEGBaseline8Bit, pieces, SOPInstanceUID="1.2.3")
        return path.read_bytes()


def _npz(write: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    write(buffer, data=np.stack([_GREY, _GREY]), labels=np.array([0, 1]))
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.png", _picture(_GREY, "PNG"))
        archive.writestr("labels.csv", _CSV)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("images/a.png", _picture(_GREY, "PNG")), ("labels.csv", _CSV)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()[:4096]


def _safetensors() -> bytes:
    from safetensors.numpy import save

    return save({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(4, np.float16)})


def _png(header: bytes, rows: bytes) -> bytes:
    """Return a PNG file of a header and packed rows, with right lengths and checksums."""
    parts = (b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(content)) + kind + content
        + struct.pack(">L", zlib.crc32(kind + content))
        for kind, content in parts
    )  # fmt: skip


_PNG_HEADER = struct.pack(">LLBBBBB", 36, 40, 8, 0, 0, 0, 0)
_PNG_ROWS = b"".join(b"\0" + row.tobytes() for row in _GREY)


def _numpy_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.stack([_GREY, _GREY]))
    return buffer.getvalue()


def _in_npz(content: bytes, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    labels = io.BytesIO()
    np.save(labels, np.array([0, 1]))
    return _zipped({"data.npy": content, "labels.npy": labels.getvalue()}, packed)


def _zipped(members: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _in_deflated_dicom(content: bytes) -> bytes:
    """Return a deflated DICOM file of an edited data set, behind a header that is right."""
    whole = seed("deflated.dcm")
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return whole[: _end_of_meta(whole)] + packer.compress(content) + packer.flush()


def _inside_deflated_dicom() -> bytes:
    whole = seed("deflated.dcm")
    return zlib.decompress(whole[_end_of_meta(whole) :], wbits=-zlib.MAX_WBITS)


def _end_of_meta(whole: bytes) -> int:
    """Return where the file meta information ends, as its group length says (PS3.10, 7.1)."""
    return 144 + int(struct.unpack("<L", whole[140:144])[0])


def _safetensors_header() -> bytes:
    whole = _safetensors()
    return whole[8 : 8 + int(struct.unpack("<Q", whole[:8])[0])]


def _in_safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + bytes(32)


def _index_of_state_dict() -> bytes:
    with zipfile.ZipFile(io.BytesIO(seed("weights.pt"))) as archive:
        return archive.read("archive/data.pkl")


def _in_state_dict(index: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(seed("weights.pt"))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return _zipped({**members, "archive/data.pkl": index})


def _state_dict() -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save({"a": torch.arange(6.0).reshape(2, 3), "epoch": 3}, buffer)
    return buffer.getvalue()


_MAKERS: dict[str, Callable[[], bytes]] = {
    "grey.png": lambda: _picture(_GREY, "PNG"),
    "16bit.png": lambda: _picture(_DEEP, "PNG"),
    "palette.png": lambda: _palette("PNG"),
    "alpha.png": lambda: _picture(np.dstack([_COLOUR, _GREY]), "PNG"),
    "colour.jpg": lambda: _picture(_COLOUR, "JPEG"),
    "progressive.jpg": lambda: _picture(_COLOUR, "JPEG", progressive=True),
    "grey.tif": lambda: _picture(_GREY, "TIFF"),
    "16bit.tif": lambda: _picture(_DEEP, "TIFF"),
    "float.tif": lambda: _picture(_GREY.astype(np.float32), "TIFF"),
    "lzw.tif": lambda: _picture(_COLOUR, "TIFF", compression="tiff_lzw"),
    "jpeg.tif": lambda: _picture(_COLOUR, "TIFF", compression="jpeg"),
    "pages.tif": _pages,
    "palette.gif": lambda: _palette("GIF"),
    "lossless.webp": lambda: _picture(_COLOUR, "WEBP", lossless=True),
    "lossy.webp": lambda: _picture(_COLOUR, "WEBP"),
    "colour.bmp": lambda: _picture(_COLOUR, "BMP"),
    "8bit.dcm": lambda: _dicom(_GREY),
    "window.dcm": lambda: _dicom(_DEEP, **_WINDOW),
    "signed.dcm": lambda: _dicom(_DEEP.astype(np.int16), PhotometricInterpretation="MONOCHROME1"),
    "implicit.dcm": lambda: _dicom(_DEEP, uid.ImplicitVRLittleEndian, **_WINDOW),
    "big_endian.dcm": lambda: _dicom(_DEEP, uid.ExplicitVRBigEndian),
    "deflated.dcm": lambda: _dicom(_DEEP, uid.DeflatedExplicitVRLittleEndian),
    "colour.dcm": lambda: _dicom(_COLOUR),
    "rle.dcm": lambda: _dicom(_DEEP, uid.RLELossless),
    "jpeg.dcm": _jpeg_dicom,
    "jpeg_ls.dcm": lambda: _dicom(_DEEP, uid.JPEGLSLossless),
    "jpeg_2000.dcm": lambda: _dicom(_DEEP, uid.JPEG2000Lossless),
    "frames.dcm": lambda: _dicom(np.vstack([_GREY] * 3), NumberOfFrames=3, Rows=40),
    "stored.npz": lambda: _npz(np.savez),
    "deflated.npz": lambda: _npz(np.savez_compressed),
    "table.csv": lambda: _CSV,
    "tasks.toml": _TASK.encode,
    "run.json": lambda: json.dumps(_RUN, indent=2).encode(),
    "task.json": lambda: find_task("lungs").model_dump_json(indent=2).encode(),
    "items.csv": lambda: _ITEMS,
    "archive.zip": _zip,
    "archive.tar": _tar,
    "archive.tar.gz": lambda: gzip.compress(_tar(), mtime=0),
    "weights.safetensors": _safetensors,
    "weights.pt": _state_dict,
}
# Inside of a file -> how the outside is put around it.
_WRAPPED: dict[str, tuple[Callable[[], bytes], Callable[[bytes], bytes]]] = {
    "header.png": (lambda: _PNG_HEADER, lambda header: _png(header, zlib.compress(_PNG_ROWS))),
    "packed_rows.png": (lambda: zlib.compress(_PNG_ROWS), lambda rows: _png(_PNG_HEADER, rows)),
    "rows.png": (lambda: _PNG_ROWS, lambda rows: _png(_PNG_HEADER, zlib.compress(rows))),
    "inside_deflated.dcm": (_inside_deflated_dicom, _in_deflated_dicom),
    "inside_deflated.npz": (_numpy_file, _in_npz),
    "inside_stored.npz": (_numpy_file, lambda content: _in_npz(content, zipfile.ZIP_STORED)),
    "inside.tar.gz": (_tar, lambda content: gzip.compress(content, mtime=0)),
    "header.safetensors": (_safetensors_header, _in_safetensors),
    "index.pt": (_index_of_state_dict, _in_state_dict),
}
NAMES = (*_MAKERS, *_WRAPPED)


@cache
def seed(name: str) -> bytes:
    """Return a whole file, or the inside of one, by its name; the same bytes each time."""
    return _MAKERS[name]() if name in _MAKERS else _WRAPPED[name][0]()


def whole(name: str, content: bytes) -> bytes:
    """Return a file whose seed was edited: as it is, or with its outside put around it."""
    return _WRAPPED[name][1](content) if name in _WRAPPED else content
