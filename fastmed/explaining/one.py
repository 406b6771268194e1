"""One image explained: found, predicted, and its heat map made."""

from pathlib import Path

import pandas as pd

from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import located
from fastmed.data.tables import root_of
from fastmed.errors import DataError, FastmedError, listed, nearest
from fastmed.explaining.explanation import Explanation, explanations
from fastmed.learn.heatmaps.aim import aim_at, columns_of
from fastmed.learn.heatmaps.maps import Batches, heatmaps
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import readable
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.settings.heatmaps import check_method_name
from fastmed.task import Task


def explain(
    run: Run | str | Path,
    image: str | Path | pd.DataFrame,
    *,
    method: str = "gradcam",
    of_class: str | None = None,
    device: str | None = None,
    cache: bool = True,
) -> Explanation:
    """Return the prediction of one image, and the heat map of what the network used for it.

    The heat map is of the plain view, also where the prediction is the mean over several.

    Args:
        run: a run or its folder.
        image: a file; a row of an NPZ file, as ``arrays.npz/data/3``; an item of the run, named as
            its tables name it; or an items table of one row. An image that the run knows comes
            with its label and its metadata.
        method: ``gradcam``, ``hirescam``, ``occlusion`` or ``integrated_gradients``.
        of_class: the class to explain; None takes the predicted one. Of grades the value is
            explained.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        cache: keep the decoded image on disk.

    Raises:
        DataError: there is no such image, or it can't be read.
        TaskError: there is no such method or class, or the network looks at no image.
        ModelError: the method needs a feature map, and the network has none.
        RunError: the run is missing or has no weights.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    check_method_name(method)
    columns_of(run.task, pd.DataFrame({"predicted": []}), of_class)
    items = readable(find_item(run, image), run.task, skip_bad=False, cache=cache)
    aim = aim_at(run.restore(device).model, run.task, method)
    table = predict(run, items, device=device, cache=cache)
    columns = columns_of(run.task, table, of_class)
    batches = Batches(aim, items, columns, statistics_of(run), "Explaining 1 image", cache)
    maps = heatmaps(aim, batches, method)
    return next(explanations(aim, items, table, maps, columns=columns, method=method))


def find_item(run: Run, image: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Return the items table of one image; the run's own row where it knows the image.

    Raises:
        DataError: there is no such image, or it is not one.
    """
    if isinstance(image, pd.DataFrame):
        if len(image) != 1:
            raise DataError(f"one image is explained at a time, but there are {len(image)} items")
        return image
    path = Path(image)
    known = _known(run, path)
    if known is not None:
        return known
    if path.is_dir() or path.suffix.lower() in (".csv", ".tsv"):
        raise DataError(
            f"'{path}' is no image but may hold several; one is explained at a time (`fastmed "
            "interpret --heatmaps 20` explains those of a run)"
        )
    arrays = next((above for above in (path, *path.parents) if _is_npz(above)), None)
    if arrays is not None:
        return _row_of(run.task, arrays, path)
    if not path.is_file():
        raise DataError(
            f"there is no file '{path}', and the run has no such item{_nearest_item(run, path)}"
        )
    return read_input(run.task, path)


def _known(run: Run, path: Path) -> pd.DataFrame | None:
    """Return the run's own row of an image, by its path or by its name; None if there is none."""
    try:
        items = located(run.items)
        root = root_of(items).resolve()
    except (FastmedError, OSError):
        return None
    below = path.resolve().is_relative_to(root)
    inside = path.resolve().relative_to(root).as_posix() if below else path.as_posix()
    rows = items[(_places(items) == inside) | (items["item"] == path.as_posix())]
    return rows.head(1) if len(rows) else None


def _row_of(task: Task, arrays: Path, path: Path) -> pd.DataFrame:
    """Return the row of an NPZ file that a path such as ``arrays.npz/data/3`` names."""
    items = read_input(task, arrays)
    places = _places(items)
    name = f"{arrays.name}/{path.relative_to(arrays).as_posix()}"
    row = items if len(items) == 1 and path == arrays else items[places == name]
    if len(row) != 1:
        raise DataError(
            f"'{path}' names no image: {arrays} holds {len(items)}, such as "
            f"{arrays.parent / places.iloc[0]}"
        )
    return row


def _places(items: pd.DataFrame) -> pd.Series:
    """Return where the images of items are: files, or rows as ``arrays.npz/data/3``."""
    rows = items["image"] + "/" + items["array"] + "/" + items["index"].astype(str)
    return items["image"].where(items["array"] == "", rows)


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz" and path.is_file()


def _nearest_item(run: Run, path: Path) -> str:
    try:
        names = run.items["item"]
    except FastmedError:
        return ""
    return nearest(path.as_posix(), names) or f"; it has {listed(names, 2)}"
