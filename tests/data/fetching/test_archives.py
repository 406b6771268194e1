import copy
import os
import re
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile_archives import (
    CASES,
    Entry,
    deflated_zeros,
    header,
    save,
    tar_named,
    tar_of,
    zip_bytes,
    zip_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastmed.data.fetching import archives
from fastmed.data.fetching.archives import Allowance, Limits, allowance_for, names_of_zip, unpack
from fastmed.errors import DataError

SECONDS = 30
MEGABYTES = 300
# What is wrong with each case. Two are harmless by themselves: one becomes what it says, and one
# holds further archives, which are not unpacked without being asked for.
REASONS = {
    "(zip|tar)_(parent|parent_within|absolute|drive|drive_relative|share|share_backslashes|"
    "parent_backslash|url)": "leads out of the folder",
    "(zip|tar)_backslash": "has a backslash in it",
    "(zip|tar)_(zero_byte|escape_sequence|line_break)|tar_not_utf8": "has control characters",
    "zip_not_utf8": "broken or cut off .'utf-8' codec",
    "(zip|tar)_turned": "turn the reading direction",
    "(zip|tar)_(device|device_alone)": "is named as a device of Windows",
    "(zip|tar)_(dot_at_end|space_at_end)": "ends in a dot or a space",
    "(zip|tar)_stream": "has a colon in it",
    "(zip|tar)_long_name": "is longer than 255 bytes",
    "(zip|tar)_long_path": "is longer than 1024 bytes",
    "(zip|tar)_deep": "lies 401 folders deep, more than 32",
    "tar_empty": "without a name",
    "(zip|tar)_(twice|case_twins|accent_twins|folder_and_file)": "stands there twice, or is",
    "(zip|tar)_(folder_twins|file_and_folder)": "falls together with",
    "zip_(link|through_link|device_file|pipe)": "is a link or no plain file",
    "zip_encrypted": "is encrypted; unpack it yourself with the password",
    "zip_(strange_method|bzip2_bomb)": "packed by the method (9|12)|more than 100 times",
    "zip_(bomb|announces_4_gigabytes|100000_members)": "would take more than 100 times its size",
    "zip_(bomb_that_lies|wrong_checksum)": "broken or cut off .Bad CRC-32",
    "zip_(bomb_that_lies_twice|nested|without_members)": "^$",
    "zip_overlapping": "its members overlap",
    "zip_announces_more": "announces 1,000 bytes and has 6",
    "zip_two_names": "broken or cut off .File name in directory",
    "zip_million_entries(_signposted)?": "more than 500,000 members",
    "zip_cut_off": "broken or cut off .File is not a zip file",
    "tar_(link|through_link)": "is a symbolic link",
    "tar_hard_link": "is a hard link",
    "tar_(character|block)_device": "is a device",
    "tar_pipe": "is a pipe",
    "tar_unknown_kind": "of a kind that is no plain file",
    "tar_sparse(_pax)?": "is a sparse file",
    "tar_(bomb_(gz|bz2|xz)|announces_exabytes|headers_without_end|100000_members)": "more than 100",
    "tar_long(_name)?_header": "header announces 4,194,304,000 bytes",
    "tar_(announces_minus|size_that_is_none)": "announces -",
    "tar_one_name_for_all": "gives all members one name",
    "tar_(broken_record|record_that_(goes_back|ends_early)|record_without_length)": "is broken",
    "tar_broken_header|gzip_without_tar": "broken or cut off .invalid header",
    "tar_cut_off": "broken or cut off .Compressed file ended",
    "empty_file|text": "its content is neither",
    "seven_zip": "it is a 7z file",
    "rar": "it is a rar file",
}
SLOW = ("tar_100000_members", "tar_headers_without_end")
MARKS = {name: [pytest.mark.slow] for name in SLOW}


def cases() -> Iterator[object]:
    for name in CASES:
        yield pytest.param(name, marks=MARKS.get(name, []), id=name)


def reason_of(name: str) -> str:
    """Return what is wrong with a case; each is in one line of the table."""
    (found,) = [reason for pattern, reason in REASONS.items() if re.fullmatch(pattern, name)]
    return found


@pytest.mark.parametrize("name", [*cases()])
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    """Each in one sentence, in time, and nothing is written outside or left behind."""
    archive = CASES[name](tmp_path)
    start = time.monotonic()
    said = ""
    try:
        unpack(archive, tmp_path / "out")
    except DataError as error:
        said = str(error)
    assert time.monotonic() - start < SECONDS
    assert re.search(reason_of(name), said), said
    if said:
        assert said.startswith(f"{archive}: ")
        assert said.isprintable()
        assert [path.name for path in tmp_path.iterdir()] == [archive.name]
    assert not Path("/tmp/out.png").exists()


def test_a_lying_bomb_becomes_what_it_announces(tmp_path: Path) -> None:
    archive = CASES["zip_bomb_that_lies_twice"](tmp_path)
    assert unpack(archive, tmp_path / "out") == 1
    assert (tmp_path / "out" / "a.png").read_bytes() == bytes(1000)


HEAVY = (
    "zip_bomb", "zip_bomb_that_lies", "zip_bzip2_bomb", "zip_overlapping",
    "zip_million_entries", "zip_million_entries_signposted", "tar_bomb_gz", "tar_bomb_bz2",
    "tar_bomb_xz", "tar_long_header", "tar_long_name_header", "tar_record_that_goes_back",
)  # fmt: skip
MEASURE = """
import re, sys
from pathlib import Path
from fastmed.data.fetching.archives import unpack
from fastmed.errors import DataError
for archive in map(Path, sys.argv[1:]):
    try:
        unpack(archive, archive.parent / "out")
        sys.exit(f"{archive} was not refused")
    except DataError:
        pass
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_hostile_archives_take_little_memory(tmp_path: Path) -> None:
    made = []
    for name in HEAVY:
        (tmp_path / name).mkdir()
        made.append(str(CASES[name](tmp_path / name)))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *made], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MEGABYTES, done.stdout


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="needs Python 3.11.4")
def test_whatever_tarfiles_own_filter_refuses_is_refused(tmp_path: Path) -> None:
    """The filter `data` of `tarfile` is an independent judge of names, links and devices."""
    judged = 0
    for name, make in CASES.items():
        if not name.startswith("tar_") or name in SLOW or "long" in name:
            continue
        archive = make(tmp_path)
        try:
            with tarfile.open(archive) as opened:
                member = opened.next()
                tarfile.data_filter(member, str(tmp_path / "out"))
        except tarfile.FilterError:
            judged += 1
            with pytest.raises(DataError):
                unpack(archive, tmp_path / "out")
        except (tarfile.TarError, ValueError, EOFError):
            continue
    assert judged > 5


# Honest archives

CONTENT = {
    "train.csv": b"image,label\na,0\n",
    "train_images/a.png": bytes(range(256)) * 300,
    "train_images/deep/er/b c.png": b"",
    "train_images/\u00e9t\u00e9 \u8102\u80aa.png": b"accents",
    "train_images/e\u0301clair.png": b"parted accents",
    "train_images/" + "long" * 50 + ".png": b"a long name",
    ".hidden": b"hidden",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "content"
    for name, content in CONTENT.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


def content_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def by_zipfile(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))


def by_zipfile_large(folder: Path, archive: Path) -> None:
    """With the records of files beyond 4 GB."""
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in content_of(folder).items():
            with opened.open(name, "w", force_zip64=True) as file:
                file.write(content)
        opened.comment = b"a comment"


def by_tarfile(mode: str, layout: int) -> Callable[[Path, Path], None]:
    def pack(folder: Path, archive: Path) -> None:
        with tarfile.open(archive, mode, format=layout) as opened:
            opened.add(folder, ".")

    return pack


def by_tar(*options: str) -> Callable[[Path, Path], None]:
    def pack(folder: Path, archive: Path) -> None:
        subprocess.run(["tar", *options, "-cf", archive, "-C", folder, "."], check=True)

    return pack


PACKERS = {
    "zip": by_zipfile,
    "zip64": by_zipfile_large,
    "tar_gnu": by_tarfile("w", tarfile.GNU_FORMAT),
    "tar_pax": by_tarfile("w", tarfile.PAX_FORMAT),
    "tar_gz": by_tarfile("w:gz", tarfile.PAX_FORMAT),
    "tar_bz2": by_tarfile("w:bz2", tarfile.GNU_FORMAT),
    "tar_xz": by_tarfile("w:xz", tarfile.PAX_FORMAT),
}
if sys.platform == "linux":
    PACKERS |= {
        "gnu_tar": by_tar("--format=gnu"),
        "gnu_tar_posix": by_tar("--format=posix", "--gzip"),
    }


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_honest_archives_come_out_as_they_went_in(
    pack: Callable, folder: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    pack(folder, archive)
    assert unpack(archive, tmp_path / "new" / "out") == len(CONTENT)
    assert content_of(tmp_path / "new" / "out") == CONTENT


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
@pytest.mark.parametrize("pack", [by_zipfile, PACKERS["tar_pax"]], ids=["zip", "tar"])
def test_modes_are_plain(pack: Callable, folder: Path, tmp_path: Path) -> None:
    (folder / "train.csv").chmod(0o6777)
    (folder / "train_images").chmod(0o1777)
    pack(folder, tmp_path / "archive")
    before = os.umask(0)
    try:
        unpack(tmp_path / "archive", tmp_path / "out")
    finally:
        os.umask(before)
    for path in (tmp_path / "out").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)


def test_small_files_may_be_many(tmp_path: Path) -> None:
    """Pictures of 300 bytes are no bomb, whatever their number."""
    entries = (Entry(b"%04d.png" % number, os.urandom(300)) for number in range(500))
    archive = save(tmp_path / "tiles.zip", zip_bytes(entries))
    allowance = allowance_for(archive, tmp_path, Limits(slack=0))
    assert unpack(archive, tmp_path / "out", allowance) == 500


def test_names_of_a_zip_are_told_without_unpacking(folder: Path, tmp_path: Path) -> None:
    by_zipfile(folder, tmp_path / "a.zip")
    PACKERS["tar_gz"](folder, tmp_path / "a.tar")
    allowance = allowance_for(tmp_path / "a.zip", tmp_path)
    assert sorted(names_of_zip(tmp_path / "a.zip", allowance) or []) == sorted(CONTENT)
    assert names_of_zip(tmp_path / "a.tar", allowance) is None


# Limits and accidents


@pytest.mark.parametrize("limits, reason", [
    (Limits(members=2), "more than 2 members"),
    (Limits(ratio=2, slack=0), "more than 2 times its size"),
    (Limits(reserve=10**18), r"0\.0 GB of the disk are free beside a reserve of 1000000000\.0 GB"),
])  # fmt: skip
@pytest.mark.parametrize("pack", [by_zipfile, PACKERS["tar_pax"]], ids=["zip", "tar"])
def test_limits(pack: Callable, limits: Limits, reason: str, folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "archive")
    allowance = allowance_for(tmp_path / "archive", tmp_path, limits)
    with pytest.raises(DataError, match=reason):
        unpack(tmp_path / "archive", tmp_path / "out", allowance)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("allowance, reason", [
    (Allowance(Limits(slack=25 * 2**20), 0, 10**12), "more than 100 times its size"),
    (Allowance(Limits(reserve=0), 10**12, 25 * 2**20), "needs 0.0 GB more, and 0.0 GB of the disk"),
], ids=["bomb", "disk"])  # fmt: skip
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_allowance_is_used_up(
    kind: str, allowance: Allowance, reason: str, tmp_path: Path
) -> None:
    """Archives in an archive have together what one has."""
    zeros = bytes(10 * 2**20)
    packed = Entry(data=zeros, packed=deflated_zeros(10), method=8)
    make = zip_of(packed) if kind == "zip" else tar_of(header(size=len(zeros)), zeros)
    archive, left = make(tmp_path), copy.copy(allowance)
    unpack(archive, tmp_path / "first", left)
    unpack(archive, tmp_path / "second", left)
    with pytest.raises(DataError, match=reason):
        unpack(archive, tmp_path / "third", left)


def test_a_full_disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, flags: int) -> int:
        raise OSError(28, "No space left on device")

    by_zipfile(folder, tmp_path / "a.zip")
    monkeypatch.setattr(archives, "_open_plainly", fail)
    with pytest.raises(DataError, match=r"a\.zip: the disk is full; what was unpacked is removed"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Interrupted(Allowance):
    """Presses Ctrl-C at the third member."""

    def take_member(self) -> None:
        super().take_member()
        if self.members == self.limits.members - 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize("pack", [by_zipfile, PACKERS["tar_pax"]], ids=["zip", "tar"])
def test_ctrl_c_leaves_nothing(pack: Callable, folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "archive")
    with pytest.raises(KeyboardInterrupt):
        unpack(tmp_path / "archive", tmp_path / "out", Interrupted(Limits(), 10**6, 10**12))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(folder: Path, tmp_path: Path) -> None:
    by_zipfile(folder, tmp_path / "a.zip")
    with pytest.raises(DataError, match="can't unpack it: file exists"):
        unpack(tmp_path / "a.zip", folder)
    assert content_of(folder) == CONTENT


# Anything at all

SEEDS = (zip_of(Entry(b"a/b.png", bytes(50), 8, packed=deflated_zeros(0), size=0), Entry()),
         tar_named(b"a/b.png", b"c.png"))  # fmt: skip
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(
    seed=st.sampled_from(SEEDS),
    flips=st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), min_size=1, max_size=6),
)
def test_flipped_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: Callable, flips: list
) -> None:
    """A broken archive is refused in one sentence, or unpacked into its folder."""
    place = tmp_path_factory.mktemp("flipped")
    archive = seed(place)
    content = bytearray(archive.read_bytes())
    for at, bits in flips:
        content[at % len(content)] ^= bits
    archive.write_bytes(content)
    try:
        unpack(archive, place / "out")
    except DataError:
        assert not (place / "out").exists()
    assert {path.name for path in place.iterdir()} <= {archive.name, "out"}


@FUZZ
@given(names=st.lists(st.text(alphabet="ab./\\ :\0Cé\u0301AUX\u202e", max_size=9), max_size=4))
def test_any_names(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Whatever members are called, each is a file inside the folder, or all are refused."""
    place = tmp_path_factory.mktemp("named")
    archive = zip_of(*(Entry(name.encode()) for name in names))(place)
    try:
        unpack(archive, place / "out")
    except DataError:
        assert not (place / "out").exists()
        return
    files = [name for name in names if not name.endswith("/")]
    assert len(content_of(place / "out")) == len(files)
    assert [path.name for path in place.iterdir()] in (["case.zip", "out"], ["out", "case.zip"])
