import errno
import os
from pathlib import Path

import numpy as np
import pytest

from fastmed.errors import RunError
from fastmed.files import check_place, leads_out, read_json, write_json, write_text, write_whole


def test_writes_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.txt", "naïve")
    assert (tmp_path / "deep" / "a.txt").read_text(encoding="utf-8") == "naïve"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.txt"]


def test_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_whole(file, fail)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_full_disk_is_one_sentence_and_the_old_file_stays(tmp_path: Path, error: Exception) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fail(temporary: Path) -> None:
        raise error

    with pytest.raises(RunError, match="the disk is full; what was written before is whole"):
        write_whole(file, fail)
    assert file.read_text() == "old"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("I/O error: File too large (os error 27)"), "file too large"),
        (OSError(errno.EROFS, "x"), "read-only file system"),
        (UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "no"), "'\udcff' in a name is not UTF-8"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    def fail(temporary: Path) -> None:
        raise error

    with pytest.raises(RunError, match=f"can't write .*a.txt: {reason}"):
        write_whole(tmp_path / "a.txt", fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["/a", "\\a", "../a", "a/../b", "a\\..\\b", "..", "C:a", "c:\\a", "file://a", "a\0b", "//h/a"],
)
def test_paths_that_lead_out(name: str) -> None:
    assert leads_out(name)


@pytest.mark.parametrize(
    "name", ["a", "a/b", "..a", "a..", "a/..b/c", ".", "./a", "ab:c", "~/a", ""]
)
def test_paths_that_stay_inside(name: str) -> None:
    assert not leads_out(name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b"\xff", "utf-8"),
        (b"{", "Expecting"),
        (b" " * (16 * 2**20 + 1), "more than 16,777,216 bytes"),
    ],
)
def test_what_is_no_json_is_a_value_error(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_json(tmp_path / "a.json")


def test_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    with pytest.raises(RunError, match="can't write .*a.txt: (file exists|not a directory)"):
        write_text(tmp_path / "file" / "a.txt", "new")
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to mount a small disk")
def test_really_full_disk(tmp_path: Path) -> None:
    if os.system(f"mount -t tmpfs -o size=64k none {tmp_path} 2>/dev/null"):
        pytest.skip("this machine lets nobody mount a disk")
    try:
        write_text(tmp_path / "a.txt", "old")
        with pytest.raises(RunError, match="the disk is full"):
            write_text(tmp_path / "a.txt", "x" * 200_000)
        assert (tmp_path / "a.txt").read_text() == "old"
    finally:
        os.system(f"umount {tmp_path}")


def test_json_of_numpy_and_not_a_number(tmp_path: Path) -> None:
    content = {"a": np.float64("nan"), "b": np.arange(2), 3: (np.int64(1), Path("x/y"))}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == {"a": None, "b": [0, 1], "3": [1, "x/y"]}


def test_place_of_a_file_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    check_place(tmp_path / "deep" / "out.csv")
    assert not any(tmp_path.iterdir())
    with pytest.raises(RunError, match="it is a folder; name a file in it"):
        check_place(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file' is no folder that can be written into"):
        check_place(tmp_path / "file" / "deep" / "out.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_place_that_is_not_ones_own_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="is no folder that can be written into"):
        check_place(tmp_path / "deep" / "out.csv")
