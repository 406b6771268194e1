"""Packing: a run, or a family of runs, as one zip file with checksums."""

import shutil
import tempfile
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fastmed import __version__
from fastmed.errors import RunError
from fastmed.files import read_info, write_json, write_text, write_whole
from fastmed.run import FAMILY_FILE, Run
from fastmed.sharing.cleared import clear_family, clear_run
from fastmed.sharing.contents import check_wished, files_to_pack
from fastmed.sharing.hub import README, readme_of
from fastmed.sharing.manifest import MANIFEST, Entry, Manifest, sha256_of

_THEN = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can tell; the same in every pack
_MODE = 0o100644 << 16


@dataclass(frozen=True)
class Packed:
    """A pack that was written.

    Attributes:
        path: of the file.
        manifest: what is in it.
        sha256: of the file.
    """

    path: Path
    manifest: Manifest
    sha256: str


def pack(
    run: Run | str | Path,
    out: str | Path,
    *,
    include: Collection[str] = (),
    identified: bool = False,
    hub: str | None = None,
) -> Packed:
    """Write a run, or a family of runs, into one zip file, which `unpack` opens elsewhere.

    Its tables bear pseudonyms in the place of names of files and patients, and no metadata of
    single images; no path of this machine is in it. The same run makes the same file, byte for
    byte.

    Args:
        run: a run, a family, or the folder of one.
        out: the zip file.
        include: what goes along beside: ``checkpoints``, ``predictions``, ``pictures``.
        identified: leave the names and the metadata of images as they are.
        hub: a licence, as a model hub names it (``apache-2.0``); adds the README.md that the hub
            reads.

    Raises:
        RunError: there is no such run, it is not finished, or the file can't be written.
    """
    folder = _folder_of(run)
    check_wished(include)
    out = Path(out)
    if out.suffix != ".zip":
        raise RunError(f"a pack is a zip file; name {out.name} so that it ends in .zip")
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / folder.name
        members = _copy(folder, copy, include)
        for one in members or [copy]:
            clear_run(one, identified)
        if members:
            clear_family(copy, identified)
        if hub is not None:
            write_text(copy / README, readme_of(folder, hub))
        manifest = _manifest(folder, copy, bool(members), identified)
        write_json(copy / MANIFEST, manifest.model_dump(mode="json"))
        write_whole(out, lambda temporary: _zip(copy, temporary))
    return Packed(out, manifest, sha256_of(out))


def _folder_of(run: Run | str | Path) -> Path:
    if isinstance(run, Run):
        if run.epoch is not None:
            raise RunError(f"{run.title} can't be packed alone; pack {run.path} as a whole")
        return run.path
    folder = Path(run)
    return folder if (folder / FAMILY_FILE).is_file() else Run.open(folder).path


def _copy(folder: Path, copy: Path, include: Collection[str]) -> list[Path]:
    """Copy the files that go along; return the copies of a family's runs, or nothing."""
    names = _members(folder)
    for one in [folder / name for name in names] or [folder]:
        _check(Run.open(one))
    for place in [Path(), *(Path(name) for name in names)]:
        for file in files_to_pack(folder / place, include):
            target = copy / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return [copy / name for name in names]


def _check(run: Run) -> None:
    """Refuse a run that could not be opened elsewhere.

    Raises:
        RunError: it has no weights, or is not whole.
    """
    if not run.weights.is_file():
        raise RunError(f"{run.path} has no weights to hand on: its training did not end")
    _ = run.task, run.items, run.lock


def _members(folder: Path) -> list[str]:
    if not (folder / FAMILY_FILE).is_file():
        return []
    members = [str(one["name"]) for one in read_info(folder / FAMILY_FILE)["members"]]
    return [name for name in members if (folder / name / "run.json").is_file()]


def _manifest(folder: Path, copy: Path, is_family: bool, identified: bool) -> Manifest:
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    return Manifest(
        kind="family" if is_family else "run",
        task=str(read_info(copy / "task.json")["name"]),
        name=folder.absolute().name,
        fastmed=__version__,
        identified=identified,
        files={file.relative_to(copy).as_posix(): Entry.of(file) for file in files},
    )


def _zip(copy: Path, out: Path) -> None:
    """Write files into a zip, the manifest first; nothing in it depends on time or machine."""
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    files.sort(key=lambda path: path.name != MANIFEST)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(copy).as_posix(), _THEN)
            entry.create_system, entry.external_attr = 3, _MODE
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 2**20)
