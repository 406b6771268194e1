"""Unpacking: the zip file of a run from elsewhere, opened safely and checked before it is there."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from fastmed.data.fetching.archives import packing_of
from fastmed.data.fetching.archives import unpack as extract
from fastmed.errors import DataError, FastmedError, RunError, listed
from fastmed.files import read_info, write_json
from fastmed.network_files import KEPT_CODE
from fastmed.run import Run
from fastmed.run.places import check_name, relative_path
from fastmed.sharing.contents import belongs
from fastmed.sharing.manifest import MANIFEST, Manifest, sha256_of


@dataclass(frozen=True)
class Unpacked:
    """A run or family that was unpacked.

    Attributes:
        path: of its folder.
        manifest: what was in the pack.
        sha256: of the pack.
        code: files of Python code in it, which run only after ``fastmed trust``.
    """

    path: Path
    manifest: Manifest
    sha256: str
    code: list[Path]


def unpack(
    archive: str | Path,
    runs: str | Path = "runs",
    *,
    name: str = "",
    data: str | Path | None = None,
    sha256: str | None = None,
) -> Unpacked:
    """Open a pack into ``RUNS/TASK/NAME``; the folder is there only if every checksum is right.

    Args:
        archive: that `pack` wrote.
        runs: the folder of runs.
        name: of the run's folder; empty takes the one that it had.
        data: the folder of the run's images, where they are here.
        sha256: that the pack must have, as its sender told it.

    Raises:
        DataError: it is no pack, is damaged, or holds what no run has. RunError: a run of this name
            exists, or the folder can't be written.
    """
    archive = Path(archive)
    if not archive.is_file():
        raise DataError(f"there is no file {archive}")
    digest = sha256_of(archive)
    if sha256 is not None and digest != sha256.strip().lower():
        raise DataError(f"{archive} has the SHA-256 {digest}, and not the one that was told")
    if packing_of(archive) != "zip":
        raise DataError(f"{archive} is no zip file, so `fastmed pack` did not make it")
    if name:
        check_name(name)
    if data is not None and not Path(data).is_dir():
        raise DataError(f"there is no folder {data}")
    runs = Path(runs)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpack-", dir=runs) as place:
            folder = Path(place) / "run"
            extract(archive, folder)
            manifest = _checked(archive, folder)
            target = runs / manifest.task / (name or manifest.name)
            _find_data(folder, target, data)
            _put(folder, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RunError(f"can't unpack into {runs}: {reason}") from None
    return Unpacked(target, manifest, digest, sorted(target.rglob(KEPT_CODE)))


def _checked(archive: Path, folder: Path) -> Manifest:
    """Return the manifest of an extracted pack, when all is as it says."""
    try:
        manifest = Manifest.read(folder / MANIFEST)
        _check_files(folder, manifest)
        _check_runs(folder, manifest)
    except FastmedError as error:
        raise DataError(f"{archive}: {error}".replace(f"{folder}/", "")) from None
    return manifest


def _check_files(folder: Path, manifest: Manifest) -> None:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    found.discard(MANIFEST)
    for what, names in (
        ("lacks", manifest.files.keys() - found), ("also holds", found - manifest.files.keys()),
    ):  # fmt: skip
        if names:
            raise DataError(f"it {what} {listed(sorted(names), 3)}, unlike its {MANIFEST}")
    strange = sorted(path for path in found if not belongs(path))
    if strange:
        raise DataError(f"it holds {listed(strange, 3)}, which no run has")
    for path, entry in manifest.files.items():
        if sha256_of(folder / path) != entry.sha256:
            raise DataError(f"'{path}' has another checksum than its {MANIFEST} says: damaged")


def _check_runs(folder: Path, manifest: Manifest) -> None:
    """Refuse files that are as they were packed, and are no run."""
    places = sorted(file.parent for file in folder.rglob("run.json"))
    if (manifest.kind == "run") != (places == [folder]) or not places:
        raise DataError(f"it is no {manifest.kind}")
    for place in places:
        run = Run.open(place)
        _ = run.task, run.items, run.lock
        if not run.weights.is_file():
            raise DataError("a run in it has no weights")


def _find_data(folder: Path, target: Path, data: str | Path | None) -> None:
    """Let the runs know where their images are, if they are here."""
    if data is None:
        return
    for file in sorted([*folder.rglob("run.json"), *folder.glob("family.json")]):
        there = target / file.parent.relative_to(folder)
        write_json(file, {**read_info(file), "data": relative_path(Path(data), there)})


def _put(folder: Path, target: Path) -> None:
    if target.exists():
        raise RunError(f"a run '{target}' exists already; choose another --name")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
