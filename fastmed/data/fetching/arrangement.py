"""What of an unpacked archive a task wants, and where it belongs in the data folder.

Archives of the same data set differ: some have a folder around everything, some a folder in a
folder of the same name, some other names. So the files are known by the names that the task
gives, or else by what is in them: the table by its columns, the folder by the images that the
table names.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastmed.data.layouts.folders import PART_NAMES
from fastmed.data.layouts.places import check_inside, files_below, hidden, relative, subfolders
from fastmed.data.layouts.rows import rows_of
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.data.layouts.table import folders_of
from fastmed.data.pixels.image import is_image
from fastmed.data.pixels.npz import array_names
from fastmed.errors import DataError, listed
from fastmed.settings.sources import (
    AnySource,
    ArraysSource,
    DicomSource,
    FoldersSource,
    TableSource,
)

Sheets = TableSource | DicomSource
SHEET_SUFFIXES = (".csv", ".tsv")
_DEEPEST = 4  # folders around what the task wants
_MOST_SHEETS = 50


@dataclass(frozen=True)
class Arrangement:
    """Where the files of a source lie in an archive, and where they belong.

    Attributes:
        moves: path in the archive -> path in the data folder, in the order of moving.
        spare: the same for files that the task has no need of.
        found: how many images are there.
        wanted: how many images the source names; 0 where it names none.
        left_out: what else lies there, and belongs nowhere.
    """

    moves: Mapping[str, str]
    spare: Mapping[str, str]
    found: int
    wanted: int
    left_out: Sequence[str] = ()


def is_there(source: AnySource, root: Path, classes: Sequence[str]) -> bool:
    """True if a data folder has the files and folders that a source names."""
    if isinstance(source, FoldersSource):
        folder = root / source.folder
        return folder.is_dir() and bool(_labelled(folder, source, classes))
    folders = folders_of(source)
    images = not folders or any((root / folder).is_dir() for folder in folders)
    return images and all((root / file).is_file() for file in files_of(source))


def arrange(source: AnySource, top: Path, classes: Sequence[str]) -> Arrangement | None:
    """Return where in a folder the files of a source are, or None if they are not there.

    Raises:
        DataError: they are there and broken, or more than once.
    """
    if isinstance(source, FoldersSource):
        return _arrange_folders(source, top, classes)
    roots = [path for path in _down(top) if all((path / f).is_file() for f in files_of(source))]
    if isinstance(source, ArraysSource):
        return _arrange_arrays(source, top, roots)
    for root in roots:
        found, wanted = _count_images(source, root)
        if found:
            return Arrangement(*_whole(source, root, top), found, wanted)
    return _arrange_by_content(source, top)


def may_hold(source: AnySource, classes: Sequence[str], paths: Iterable[str]) -> bool:
    """False if the files of an archive can't be a source's, as their names alone tell."""
    if isinstance(source, FoldersSource):
        labels = {*classes, *source.rename, *map(str, range(len(classes)))}
        folders = {_composed(name) for path in paths for name in path.split("/")[:-1]}
        return bool(labels & folders)
    if isinstance(source, ArraysSource):
        return any(path.endswith(source.file) for path in paths)
    ends = (source.file.lower(), *SHEET_SUFFIXES)
    return any(path.lower().endswith(ends) for path in paths)


def needed(source: AnySource) -> set[str]:
    """Return what a source needs to be directly in the data folder; nothing where that is open."""
    return {Path(path).parts[0] for path in (*files_of(source), *folders_of(source)) if path != "."}


def files_of(source: AnySource) -> list[str]:
    """Return the tables or arrays that a source names."""
    keys = ("file", "valid_file", "test_file", "label_file")
    return [file for key in keys if (file := getattr(source, key, None))]


def _arrange_folders(
    source: FoldersSource, top: Path, classes: Sequence[str]
) -> Arrangement | None:
    for root in _down(top):
        wanted = _labelled(root, source, classes)
        if wanted:
            moves = {relative(path, top): f"{source.folder}/{path.name}" for path in wanted}
            images = sum(is_image(file) for path in wanted for file in files_below(path))
            others = [path.name for path in _shown(root) if path not in wanted]
            return Arrangement(moves, {}, images, 0, others)
    return None


def _labelled(root: Path, source: AnySource, classes: Sequence[str]) -> list[Path]:
    """Return the folders of parts that hold folders of classes, or else these themselves."""
    folders = subfolders(root)
    parts = [
        path for path in folders if path.name.lower() in PART_NAMES.keys() - {*classes}
        and _class_folders(path, source, classes)
    ]  # fmt: skip
    return parts or _class_folders(root, source, classes)


def _class_folders(folder: Path, source: AnySource, classes: Sequence[str]) -> list[Path]:
    """Return the folders named as classes, or, where there are several, as their positions."""
    names, positions = {*classes, *source.rename}, {*map(str, range(len(classes)))}
    folders = subfolders(folder)
    named = [path for path in folders if _composed(path.name) in names]
    numbered = [path for path in folders if path.name in positions]
    return named or (numbered if len(numbered) > 1 else [])


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _arrange_arrays(source: ArraysSource, top: Path, roots: Sequence[Path]) -> Arrangement | None:
    for root in roots:
        for file in files_of(source):
            array_names(root / file)
        return Arrangement(*_whole(source, root, top), 0, 0)
    return None


def _count_images(source: Sheets, root: Path) -> tuple[int, int]:
    """Return how many images the tables of a source name and find, and how many they name."""
    found = wanted = 0
    for file in files_of(source):
        sheet = read_sheet(root / file, source.separator)
        require_columns(sheet, [source.image, source.label], root / file)
        names = sheet[source.image].rename(file)
        rows = rows_of(names, sheet[source.label], root, folders_of(source), [source.suffix])
        rows = rows.drop_duplicates("item")
        found, wanted = found + int((rows["image"] != "").sum()), wanted + len(rows)
    return found, wanted


def _arrange_by_content(source: Sheets, top: Path) -> Arrangement | None:
    """Return the table and the folder that give the most images, whatever their names."""
    folders = folders_of(source)
    if len(files_of(source)) > 1 or len(folders) > 1 or folders[0] == ".":
        return None
    files = [relative(file, top) for file in files_below(top)]
    pairs = [pair for sheet in _sheets(source, top, files) for pair in _pairs(sheet, source, files)]
    if not pairs:
        return None
    most = max(pair[0] for pair in pairs)
    best = [pair for pair in pairs if pair[0] == most]
    if len(best) > 1:
        found = listed(f"{sheet} with {folder or '.'}" for _, _, sheet, folder in best)
        raise DataError(f"several tables and folders give {most} images each: {found}")
    _, wanted, sheet, folder = best[0]
    others = [path.name for path in _shown(top) if relative(path, top) not in (sheet, folder)]
    return Arrangement({sheet: source.file, folder: folders[0]}, {}, most, wanted, others)


def _sheets(source: Sheets, top: Path, files: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each table that has the columns of a source, with the names of its images."""
    names = [file for file in files if Path(file).name == Path(source.file).name]
    names = names or [file for file in files if file.lower().endswith(SHEET_SUFFIXES)]
    for name in names[:_MOST_SHEETS]:
        try:
            sheet = read_sheet(top / name, source.separator)
            require_columns(sheet, [source.image, source.label], top / name)
            images = [check_inside(image, name) for image in sheet[source.image].unique()]
        except DataError:
            continue
        yield name, images


def _pairs(
    sheet: tuple[str, list[str]], source: Sheets, files: Sequence[str]
) -> Iterator[tuple[int, int, str, str]]:
    """Yield for each folder that has images of a table: found, wanted, table, folder."""
    name, images = sheet
    end = source.suffix
    wanted = {image if image.lower().endswith(end.lower()) else image + end for image in images}
    depths = {image.count("/") + 1 for image in wanted}
    counts: Counter[str] = Counter()
    for file in files:
        parts = file.split("/")
        for depth in depths:
            if "/".join(parts[-depth:]) in wanted:
                counts["/".join(parts[:-depth])] += 1
    for folder, found in counts.items():
        yield found, len(wanted), name, folder


def _whole(source: AnySource, root: Path, top: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return all that lies in a folder: what a source needs, and what else there is."""
    wanted, paths = needed(source), _shown(root)
    moves = {relative(path, top): path.name for path in paths if path.name in wanted}
    spare = {relative(path, top): path.name for path in paths if path.name not in wanted}
    return moves, spare


def _shown(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not hidden(path))


def _down(top: Path, depth: int = _DEEPEST) -> Iterator[Path]:
    """Yield a folder and those in it, the upper ones first."""
    level = [top]
    for _ in range(depth + 1):
        yield from level
        level = [inner for path in level for inner in subfolders(path)]
