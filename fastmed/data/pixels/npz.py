"""Arrays in NPZ files, read without pickles and without trusting what a header announces."""

import math
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from fastmed.data.pixels.limits import MOST_PIXELS
from fastmed.data.pixels.scaling import cause_of
from fastmed.errors import DataError, listed, nearest

MOST_ARRAYS = 1000
MOST_INFLATED = 2**29  # bytes, of an array that is packed more than 200-fold

_READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_SUFFIX = ".npy"
_ENCRYPTED = 0x1  # flag of a zip member (zip, 4.4.4)


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in an NPZ file.

    Raises:
        DataError: the file is missing or is not an NPZ file.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise DataError(f"{path} is not an NPZ file, as numpy.savez writes it") from None
    names = [name.removesuffix(_SUFFIX) for name in members if name.endswith(_SUFFIX)]
    if not names:
        raise DataError(f"{path} is a zip file without arrays; expected one of numpy.savez")
    if len(members) > MOST_ARRAYS:
        raise DataError(f"{path} has {len(members):,} members, more than {MOST_ARRAYS:,}; refused")
    return names


def read_images(path: Path, name: str) -> np.ndarray:
    """Return the images of an array, (N, H, W) or (N, H, W, 3) of any real number, opened once.

    An array that is stored uncompressed stays on disk and is read where it is touched.

    Raises:
        DataError: the array is missing, broken, or does not hold images.
    """
    state = path.stat() if path.is_file() else None
    return _images(str(path), name, state.st_mtime_ns if state else 0)


def read_labels(path: Path, name: str) -> np.ndarray:
    """Return the labels of an array as text, (N,).

    Raises:
        DataError: the array is missing, broken, or has not one whole number or text an image.
    """
    labels = np.asarray(read_array(path, name))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iuUSb":
        raise DataError(
            f"{path}: '{name}' has shape {labels.shape} and type {labels.dtype}; expected one "
            "whole number or text an image"
        )
    if labels.dtype.kind == "S":
        return np.char.decode(labels, "utf-8")
    return labels.astype(np.int64 if labels.dtype.kind == "b" else labels.dtype).astype(str)


@lru_cache(maxsize=8)
def _images(path: str, name: str, modified: int) -> np.ndarray:
    images = read_array(Path(path), name)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    grey_or_rgb = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)
    if not grey_or_rgb or images.dtype.kind not in "buif" or 0 in images.shape[1:]:
        raise DataError(
            f"{path}: '{name}' has shape {images.shape} and type {images.dtype}; expected "
            "images (N, H, W) or (N, H, W, 3) of whole numbers or floats"
        )
    if math.prod(images.shape[1:3]) > MOST_PIXELS:
        height, width = images.shape[1:3]
        raise DataError(
            f"{path}: '{name}' has images of {width} x {height} pixels, more than the "
            f"{MOST_PIXELS // 10**6} million that are opened"
        )
    return images


def read_array(path: Path, name: str) -> np.ndarray:
    """Return an array of any shape and type; one that is stored uncompressed stays on disk.

    Raises:
        DataError: the array is missing or broken, or holds pickled objects.
    """
    names = array_names(path)
    if name not in names:
        close = nearest(name, names) or f"; it holds {listed(names)}"
        raise DataError(f"{path} has no array '{name}'{close}")
    try:
        return _mapped(path, name)
    except DataError:
        raise
    except MemoryError:
        raise DataError(
            f"{path}: '{name}' doesn't fit into memory; write the file with numpy.savez, "
            "uncompressed, and it is read from disk"
        ) from None
    except Exception as error:
        raise DataError(f"{path}: '{name}' can't be read ({cause_of(error)})") from None


def _mapped(path: Path, name: str) -> np.ndarray:
    """Return an array: a view of the file where it is stored plainly, else a decompressed copy."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(name + _SUFFIX)
        if member.flag_bits & _ENCRYPTED:
            raise DataError(f"{path}: '{name}' is encrypted; write it with numpy.savez")
        shape, fortran, dtype, start = _header(archive, member, path)
        if member.compress_type == zipfile.ZIP_STORED and not fortran and 0 not in shape:
            offset = _offset(path, member) + start
            return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
        with archive.open(member) as file:
            return np.asarray(npy.read_array(file, allow_pickle=False))


def _header(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Return shape, order, type and start of the values, once their size is found plausible."""
    with archive.open(member) as file:
        version = npy.read_magic(file)
        if version not in _READ_HEADER:
            raise DataError(f"{path}: '{member.filename}' has the unknown format {version}")
        shape, fortran, dtype = _READ_HEADER[version](file)
        start = file.tell()
    if dtype.hasobject:
        raise DataError(f"{path}: '{member.filename}' holds pickled objects, which are refused")
    if start + math.prod(shape) * dtype.itemsize != member.file_size:
        raise DataError(f"{path}: '{member.filename}' announces {shape}, which is not its size")
    if member.file_size > max(MOST_INFLATED, 200 * member.compress_size):
        raise DataError(f"{path}: '{member.filename}' inflates more than 200-fold; refused")
    return shape, fortran, dtype, start


def _offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where a stored member's bytes start, past its local header (zip, 4.3.7)."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = np.frombuffer(file.read(4), dtype="<u2")
    return member.header_offset + 30 + int(name) + int(extra)
