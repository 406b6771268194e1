from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.data.boxes import boxes_of
from fastmed.data.items import read_items
from fastmed.data.tables import items_table
from fastmed.errors import DataError, TaskError
from fastmed.taskfile import find_task

NAMES = ["a", "b", "c"]


@pytest.fixture
def items(tmp_path: Path) -> pd.DataFrame:
    """Items of a folder whose table of boxes each test writes."""
    folder = tmp_path / "stage_2_train_images"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.dcm").touch()
    paths = [f"stage_2_train_images/{name}.dcm" for name in NAMES]
    return items_table(pd.DataFrame({"item": paths, "image": paths}), tmp_path)


def write(items: pd.DataFrame, *lines: str, name: str = "stage_2_train_labels.csv") -> Path:
    file = Path(items.attrs["root"]) / name
    file.write_text("\n".join(["patientId,x,y,width,height,Target", *lines]) + "\n")
    return file


def test_boxes_are_corners_and_rows_without_numbers_are_no_box(items: pd.DataFrame) -> None:
    write(items, "a,10,20,5,6,1", "a,1.5,2,3,4,1", "b,,,,,0", "c,0,0,9,9,1")
    found = boxes_of(find_task("pneumonia"), items[items["item"].str.contains("/[ab]")])
    assert found.keys() == {"stage_2_train_images/a.dcm"}
    expected = [[10, 20, 15, 26], [1.5, 2, 4.5, 6]]
    np.testing.assert_allclose(found["stage_2_train_images/a.dcm"], expected)


def test_another_table_can_be_named(items: pd.DataFrame) -> None:
    file = write(items, "c,0,0,9,9,1", name="other.csv")
    assert len(boxes_of(find_task("pneumonia"), items, file)) == 1


@pytest.mark.parametrize("cells", ["1,2,x,4", "1,2,0,4", "1,2,3,-4", "1,2,,4", "1,nan,3,4"])
def test_what_is_no_box_is_named_with_its_line(items: pd.DataFrame, cells: str) -> None:
    write(items, "a,1,1,1,1,1", f"b,{cells},1")
    with pytest.raises(DataError, match="labels.csv, line 3: .* are no box; expected four numbers"):
        boxes_of(find_task("pneumonia"), items)


def test_tables_that_do_not_fit_are_one_sentence(items: pd.DataFrame) -> None:
    task = find_task("pneumonia")
    with pytest.raises(DataError, match="no table of boxes .*stage_2_train_labels.csv; name one"):
        boxes_of(task, items)
    write(items, "a,,,,,0")
    with pytest.raises(DataError, match="has no box of any of these 3 images"):
        boxes_of(task, items)
    (Path(items.attrs["root"]) / "bad.csv").write_text("patientId,x\n1,2\n")
    with pytest.raises(DataError, match="has no column 'y'"):
        boxes_of(task, items, Path(items.attrs["root"]) / "bad.csv")
    write(items, "../a,1,1,1,1,1")
    with pytest.raises(DataError, match="leads out of the data folder"):
        boxes_of(task, items)
    with pytest.raises(DataError, match="one is of kind folders"):
        boxes_of(tiny_task("cardiomegaly"), items)
    with pytest.raises(DataError, match="names no table of boxes; name one with --boxes"):
        boxes_of(tiny_task("lungs"), items)
    with pytest.raises(TaskError, match="leads out of the data folder"):
        task.with_changes({"source.boxes": "../boxes.csv"})


def test_phantoms_have_boxes_of_the_opacities(phantoms: dict[str, Path]) -> None:
    items = read_items(tiny_task("pneumonia"), phantoms["pneumonia"])
    boxes = boxes_of(find_task("pneumonia"), items)
    assert set(boxes) == set(items.loc[items["target"] == "Lung Opacity", "item"])
