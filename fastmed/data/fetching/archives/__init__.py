"""The one extractor: zip and tar files into a new folder, whole and plain, or not at all.

Members are written one by one. Nothing that an archive says of itself is believed: names are
checked, sizes are counted, links and devices are refused, modes are left aside.
"""

import errno
import lzma
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastmed import console
from fastmed.data.fetching.archives.limits import Allowance, Limits
from fastmed.data.fetching.archives.member import Member
from fastmed.data.fetching.archives.names import Names, shown
from fastmed.data.fetching.archives.tars import TarMembers
from fastmed.data.fetching.archives.zips import ZipMembers
from fastmed.errors import DataError

__all__ = ["Allowance", "Limits", "allowance_for", "names_of_zip", "packing_of", "unpack"]

_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError,
    ValueError, NotImplementedError, RuntimeError, OverflowError, IndexError, MemoryError,
)  # fmt: skip
_STARTS = {
    b"PK\3\4": "zip",
    b"PK\5\6": "zip",
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def unpack(archive: Path, folder: Path, allowance: Allowance | None = None) -> int:
    """Unpack an archive into a new folder, which is there only when all went well.

    Args:
        archive: zip, tar, or tar packed by gzip, bzip2 or xz, as its content says.
        folder: must not be there yet.
        allowance: shared with the archive that this one lay in; None starts with a full one.

    Returns:
        The number of files.

    Raises:
        DataError: the archive is broken or encrypted, holds what is no plain file, names that lead
            out of the folder or fall together, inflates too much, or the disk is full.
    """
    with _in_one_sentence(archive):
        allowance = allowance or allowance_for(archive, folder)
        with _members(archive, allowance) as members, _new(folder):
            steps = _percents(members, folder)
            return sum(console.progress(steps, f"Unpacking {archive.name}, percent", 100))


def allowance_for(archive: Path, folder: Path, limits: Limits | None = None) -> Allowance:
    """Return what an archive may take when it is unpacked into a folder."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    return Allowance(limits or Limits(), archive.stat().st_size, free)


def names_of_zip(archive: Path, allowance: Allowance) -> list[str] | None:
    """Return the paths of the files in a zip; None for a tar, which tells them only on the way.

    Raises:
        DataError: as `unpack`, for what can be known without unpacking.
    """
    with _in_one_sentence(archive), _members(archive, allowance) as members:
        return members.paths() if isinstance(members, ZipMembers) else None


def packing_of(archive: Path) -> str:
    """Return ``zip``, ``tar``, ``gz``, ``bz2``, ``xz``, another known kind, or nothing."""
    with archive.open("rb") as file:
        block = file.read(tarfile.BLOCKSIZE)
    packing = next((kind for start, kind in _STARTS.items() if block.startswith(start)), "")
    return packing or ("tar" if _starts_tar(block) else "")


def _starts_tar(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _members(archive: Path, allowance: Allowance) -> ZipMembers | TarMembers:
    match packing_of(archive):
        case "zip":
            return ZipMembers(archive, allowance)
        case "tar":
            return TarMembers(archive, "", allowance)
        case "gz" | "bz2" | "xz" as packing:
            return TarMembers(archive, packing, allowance)
        case packing:
            found = f"it is a {packing} file" if packing else "its content is neither"
            raise DataError(
                f"expected a zip or tar file (tar.gz, tar.bz2, tar.xz too), and {found}; unpack it "
                "yourself and give the folder instead"
            )


def _percents(members: ZipMembers | TarMembers, folder: Path) -> Iterator[int]:
    """Write the members; yield how many files were, for each percent of the archive."""
    names, files, percent = Names(), 0, 1
    for member in members:
        for inner in names.add(member.path, member.is_folder) if member.path else ():
            (folder / inner).mkdir(mode=0o755)
        if not member.is_folder:
            _write(member, folder)
            files += 1
        while percent < 100 and members.share() * 100 >= percent:
            percent += 1
            yield files
            files = 0
    yield files


def _write(member: Member, folder: Path) -> None:
    """Write a new file, by a mode of our own."""
    if not member.path:
        raise DataError("a member is a file without a name")
    written = 0
    with open(f"{folder}/{member.path}", "xb", opener=_open_plainly) as file:
        for chunk in member.chunks:
            written += file.write(chunk)
    if written != member.size:
        raise DataError(
            f"the member {shown(member.path)} announces {member.size:,} bytes and has {written:,}"
        )


def _open_plainly(path: str, flags: int) -> int:
    return os.open(path, flags, 0o644)


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Make a folder, and take it away again if something fails."""
    folder.mkdir(mode=0o755, parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _in_one_sentence(archive: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{archive}: {error}") from None
    except OSError as error:
        raise DataError(f"{archive}: {_trouble(error)}") from None
    except _BROKEN as error:
        said = str(error)[:100] or type(error).__name__
        raise DataError(f"{archive}: it is broken or cut off ({said})") from None


def _trouble(error: OSError) -> str:
    """Return what failed: the system says it by number, gzip and bzip2 say it without."""
    if error.errno is None:
        return f"it is broken or cut off ({error})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; what was unpacked is removed again"
    return f"can't unpack it: {(error.strerror or str(error)).lower()}"
