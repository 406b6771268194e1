"""Studies of phantom data, and of made ones."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from made_study import made_study

from fastmed.data.items import read_items
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data_study import Study, study
from fastmed.data_study.samples import look_at_samples
from fastmed.errors import DataError, FastmedError


@pytest.fixture(scope="module")
def studies(phantoms: dict[str, Path]) -> dict[str, Study]:
    return {
        name: study(tiny_task(name), phantoms[name], samples=2, cache=False)
        for name in ("lungs", "pneumonia", "histology", "retinopathy")
    }


def test_counts_are_those_of_the_items(studies: dict[str, Study], phantoms: dict) -> None:
    task = tiny_task("lungs")
    items = read_items(task, phantoms["lungs"], cache=False)
    counts = studies["lungs"].class_counts()
    for name in task.classes:
        for part in ("train", "valid"):
            rows = items[(items["target"] == name) & (items["split"] == part)]
            assert counts.loc[name, part] == len(rows)
    assert counts.to_numpy().sum() == len(items)


def test_samples_are_training_images_as_the_network_sees_them(
    studies: dict[str, Study], phantoms: dict[str, Path]
) -> None:
    for name, found in studies.items():
        items = found.images.set_index("item")
        for target, pictures in found.looked.pictures.items():
            names = found.looked.items[target]
            assert len(pictures) == len(set(names)) == 2
            for item, pixels in zip(names, pictures, strict=True):
                row = items.loc[item]
                assert (row["split"], row["target"]) == ("train", target)
                place = (phantoms[name], row["image"], row["array"], int(row["index"]))
                opened = open_item(*place, found.task.image).pixels
                np.testing.assert_array_equal(pixels, prepare(opened, found.task.image))
                assert row["intensity"] == pytest.approx(pixels.mean())


def test_only_training_images_are_measured(studies: dict[str, Study]) -> None:
    for found in studies.values():
        measured = found.images["intensity"].notna()
        assert (measured == (found.images["split"] == "train")).all()


def test_draw_depends_on_the_seed_and_not_on_the_order_of_rows(
    studies: dict[str, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastmed.data_study.samples.MEASURED", 3)
    found = studies["histology"]
    items = found.images.drop(columns="intensity")
    turned = items.iloc[::-1]
    turned.attrs.update(items.attrs)
    draws = [
        look_at_samples(rows, found.task, 3, seed, None).items
        for rows, seed in ((items, 0), (turned, 0), (items, 1))
    ]
    assert draws[0] == draws[1] != draws[2]


def test_samples_are_of_different_patients(studies: dict[str, Study]) -> None:
    found = studies["lungs"]
    groups = found.images.set_index("item")["group"]
    assert (groups != "").any()
    for names in found.looked.items.values():
        known = [groups[name] for name in names if groups[name]]
        assert len(known) == len(set(known))


def test_files_are_described(studies: dict[str, Study]) -> None:
    images = studies["pneumonia"].images
    assert set(images["colour"]) == {"MONOCHROME2"}
    assert set(images["suffix"]) == {".dcm"}
    assert images["kind"].str.startswith("DICOM, ").all()
    assert set(studies["histology"].images["kind"]) == {"NPZ, RGB, 8 bits"}
    assert set(studies["histology"].images["size"]) == {"32 x 32"}
    assert studies["histology"].images["decoder"].ne("").all()


def test_metadata_are_broken_down(studies: dict[str, Study]) -> None:
    found = studies["pneumonia"]
    assert {"meta_age", "meta_sex", "meta_view"} <= set(found.columns)
    for column in found.columns:
        counts = found.breakdown(column)
        assert counts.columns.tolist() == list(found.task.classes)
        assert counts.to_numpy().sum() == len(found.images)
    by_hand = pd.crosstab(found.images["meta_sex"], found.images["target"])
    for sex in ("F", "M"):
        assert found.breakdown("sex").loc[sex].to_dict() == by_hand.loc[sex].to_dict()


def test_unknown_column_is_refused_with_the_nearest(phantoms: dict[str, Path]) -> None:
    with pytest.raises(
        DataError, match=r"no column 'formt' to break down by; did you mean 'format"
    ):
        study(tiny_task("lungs"), phantoms["lungs"], by=["formt"], cache=False)
    with pytest.raises(DataError, match="known are 'origin'"):
        made_study().breakdown("zzz")


@pytest.mark.parametrize("column", ["item", "image", "content", "group", "index", "intensity"])
def test_columns_that_name_images_or_patients_are_no_groups(column: str) -> None:
    with pytest.raises(DataError, match="there is no column"):
        made_study().breakdown(column)


def test_asked_for_columns_are_shown_once_even_if_they_do_not_vary(phantoms: dict) -> None:
    found = study(tiny_task("lungs"), phantoms["lungs"], by=["split", "split"], cache=False)
    assert found.columns.count("split") == 1


def test_sizes() -> None:
    width = np.where(np.arange(200) < 100, 100, 200) + (np.arange(200) % 3) * 10
    sizes = made_study(width=width.astype(float), height=100.0).sizes()
    assert sizes.loc["no", ["n", "sizes"]].tolist() == [100, 3]
    assert sizes.loc["no", ["width_min", "width_median", "width_max"]].tolist() == [100, 110, 120]
    assert sizes.loc["yes", "aspect_max"] == pytest.approx(2.2)


def test_sizes_that_are_not_known() -> None:
    found = made_study(width=np.nan, height=np.nan, size=np.nan)
    assert found.sizes()["n"].tolist() == [0, 0]
    assert found.breakdown("size").index.tolist() == ["not known"]


def test_images_of_a_patient() -> None:
    group = [f"p{n // 2}" if n < 100 else f"q{n}" for n in range(200)]
    counts = made_study(group=group).patients()
    assert counts.loc["2 images"].tolist() == [50, 0]
    assert counts.loc["1 image"].tolist() == [0, 100]
    with pytest.raises(DataError, match="nothing is known about patients"):
        made_study().patients()


def test_associations_are_sorted_and_leave_out_what_does_not_vary() -> None:
    sides = np.repeat(["PNG", "JPEG"], 100)
    weak = np.where(np.arange(200) % 100 < 50 + 15 * (np.arange(200) < 100), "F", "M")
    found = made_study(format=sides, meta_sex=weak).associations()
    assert found.index.tolist() == ["format", "meta_sex"]
    assert found["v"].is_monotonic_decreasing
    assert "colour" not in found.index


def test_images_that_cannot_be_read_are_counted_and_not_described(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    data = shutil.copytree(phantoms["lungs"], tmp_path / "data")
    victim = next(path for path in sorted((data / "train_images").iterdir()))
    victim.write_bytes(b"no image")
    with pytest.raises(FastmedError, match=victim.name):
        study(tiny_task("lungs"), data, cache=False)
    found = study(tiny_task("lungs"), data, skip_bad=True, cache=False)
    assert found.left_out().sum() == 1
    assert len(found.readable) == len(found.images) - 1
    assert found.breakdown("format").to_numpy().sum() == len(found.readable)


def test_reasons_for_leaving_out() -> None:
    out = np.arange(200) % 10
    columns = {
        "split": np.where(out < 3, "left_out", "train"),
        "note": np.select([out == 0, out == 1], ["", "no file"], "copy"),
    }
    reasons = made_study(**columns).left_out()
    assert reasons.to_dict() == {"no reason is noted": 20, "no file": 20, "copy": 20}


def test_figures(studies: dict[str, Study]) -> None:
    found = studies["pneumonia"]
    for make in (found.class_figure, found.samples_figure, found.intensity_figure):
        make().draw_without_rendering()
    found.breakdown_figure("meta_age").draw_without_rendering()


def test_grades_keep_their_order(studies: dict[str, Study]) -> None:
    counts = studies["retinopathy"].class_counts()
    assert counts.index.tolist() == list(tiny_task("retinopathy").classes)


def test_cache_is_used(phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    found = study(tiny_task("lungs"), phantoms["lungs"], samples=1)
    assert list((tmp_path / "cache").iterdir())
    again = study(tiny_task("lungs"), phantoms["lungs"], samples=1)
    pd.testing.assert_series_equal(found.images["intensity"], again.images["intensity"])
