import hashlib
import warnings

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from fastmed.demo.phantoms import PHANTOMS, Phantom, write_phantom
from fastmed.errors import DataError
from fastmed.taskfile import find_task


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms")
    return {name: write_phantom(name, root / name, size=32, count=36) for name in PHANTOMS}


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.mark.parametrize("name", PHANTOMS)
def test_the_same_seed_gives_the_same_bytes(name, small, tmp_path):
    again = write_phantom(name, tmp_path / "again", size=32, count=36)
    other = write_phantom(name, tmp_path / "other", size=32, count=36, seed=1)
    assert contents(again) == contents(small[name])
    assert not set(contents(other).values()) & set(contents(again).values())


def test_every_image_is_another_one(small):
    for name in ("cardiomegaly", "lungs", "pneumonia", "retinopathy"):
        images = [digest for path, digest in contents(small[name]).items() if path.suffix != ".csv"]
        assert len(images) == len(set(images)) == 36


def test_cardiomegaly_has_a_folder_for_each_part_and_class(small):
    found = {
        path.relative_to(small["cardiomegaly"]).parent.as_posix(): 0
        for path in small["cardiomegaly"].rglob("*.png")
    }
    classes = find_task("cardiomegaly").classes
    assert set(found) == {f"{part}/{label}" for part in ("train", "test") for label in classes}
    images = [Image.open(path) for path in small["cardiomegaly"].rglob("*.png")]
    assert {(image.mode, image.size) for image in images} == {("L", (32, 32))}


def test_lungs_have_one_class_a_patient(small):
    table = pd.read_csv(small["lungs"] / "train_labels.csv")
    assert [*table.columns] == ["image", "label"]
    assert set(table["label"]) == set(range(len(find_task("lungs").classes)))
    patients = table["image"].str.extract(find_task("lungs").source.group.pattern)[0]
    assert patients.notna().all()
    assert 1 < patients.value_counts().max() <= 3
    assert (table.groupby(patients)["label"].nunique() == 1).all()
    train = {path.name for path in (small["lungs"] / "train_images").iterdir()}
    test = {path.name for path in (small["lungs"] / "test_images").iterdir()}
    assert set(table["image"]) == train
    assert test
    assert not {name[:8] for name in test} & {name[:8] for name in train}


def test_histology_has_arrays_with_every_class(small):
    train, test = (np.load(small["histology"] / f"{part}.npz") for part in ("train", "test"))
    assert len(train["data"]) + len(test["data"]) == 36
    assert train["data"].dtype == np.uint8
    assert train["data"].shape[1:] == (32, 32, 3)
    assert set(train["labels"]) == set(range(9))


def test_histology_labels_follow_the_order_of_the_classes(small):
    data, labels = (np.load(small["histology"] / "train.npz")[key] for key in ("data", "labels"))
    brightest = max(range(9), key=lambda label: data[labels == label].mean())
    darkest = min(range(9), key=lambda label: data[labels == label].mean())
    classes = find_task("histology").classes
    assert (classes[brightest], classes[darkest]) == ("BACK", "LYM")


@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
def test_pneumonia_has_dicom_files_and_two_tables(small):
    classes = pd.read_csv(small["pneumonia"] / "stage_2_detailed_class_info.csv")
    boxes = pd.read_csv(small["pneumonia"] / "stage_2_train_labels.csv")
    assert set(classes["class"]) == set(find_task("pneumonia").classes)
    assert classes["patientId"].tolist() == boxes["patientId"].tolist()
    assert classes["patientId"].duplicated().any()
    assert (boxes["Target"].eq(1) == classes["class"].eq("Lung Opacity")).all()
    assert (boxes[["x", "y", "width", "height"]].notna().all(axis=1) == boxes["Target"].eq(1)).all()
    for patient in classes["patientId"].unique():
        file = small["pneumonia"] / "stage_2_train_images" / f"{patient}.dcm"
        header = pydicom.dcmread(file)
        assert header.PatientID == patient
        assert header.PatientSex in {"F", "M"}
        assert header.ViewPosition in {"AP", "PA"}
        assert 2 <= int(header.PatientAge) <= 92
        assert (header.Modality, header.BodyPartExamined) == ("CR", "CHEST")
        assert header.PhotometricInterpretation == "MONOCHROME2"
        assert header.pixel_array.shape == (32, 32)
        assert np.ptp(header.pixel_array) > 80


def test_reading_and_writing_dicom_warns_only_of_the_age(tmp_path):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        folder = write_phantom("pneumonia", tmp_path / "pneumonia", size=32, count=30)
        str(pydicom.dcmread(next(folder.rglob("*.dcm"))))
    assert all("VR AS" in str(warning.message) for warning in seen)


def test_retinopathy_is_imbalanced_and_extra_fills_the_rare_grades(tmp_path):
    folder = write_phantom("retinopathy", tmp_path / "retinopathy", size=16, count=150)
    train, extra = (pd.read_csv(folder / f"{part}.csv") for part in ("train", "extra"))
    assert [*train.columns] == ["id_code", "diagnosis"]
    assert [*extra.columns] == ["image", "level"]
    counts = train["diagnosis"].value_counts().sort_index()
    assert counts.idxmax() == 0
    assert 0.4 < counts[0] / len(train) < 0.55
    assert counts.index.tolist() == [0, 1, 2, 3, 4]
    assert extra["level"].isin([1, 3, 4]).mean() > 0.8
    for part, table in (("train", train), ("extra", extra)):
        names = {path.stem for path in (folder / f"{part}_images").glob("*.jpeg")}
        assert names == set(table.iloc[:, 0])


@pytest.mark.parametrize("name", PHANTOMS)
def test_the_default_is_big_enough_for_a_network(name):
    assert PHANTOMS[name].count >= 300
    assert 96 <= PHANTOMS[name].size <= 224


def labelled_images(name, folder):
    """Yield pictures and labels of the tasks whose label must not show in the brightness."""
    if name == "cardiomegaly":
        for path in folder.rglob("*.png"):
            yield np.asarray(Image.open(path)), path.parent.name
        return
    file, suffix = {
        "lungs": ("train_labels.csv", ""),
        "pneumonia": ("stage_2_detailed_class_info.csv", ".dcm"),
        "retinopathy": ("train.csv", ".jpeg"),
    }[name]
    images = {"pneumonia": "stage_2_train_images"}.get(name, "train_images")
    for stem, label in pd.read_csv(folder / file).drop_duplicates().itertuples(index=False):
        path = folder / images / f"{stem}{suffix}"
        dicom = suffix == ".dcm"
        yield pydicom.dcmread(path).pixel_array if dicom else np.asarray(Image.open(path)), label


@pytest.mark.parametrize("name", ["cardiomegaly", "lungs", "pneumonia", "retinopathy"])
def test_brightness_tells_nothing_of_the_class(name, tmp_path):
    folder = write_phantom(name, tmp_path / name, size=24, count=300)
    pictures, labels = zip(*labelled_images(name, folder), strict=True)
    means, labels = np.array([picture.mean() for picture in pictures]), np.array(labels)
    most_common = pd.Series(labels).value_counts().index[:3]
    for label in most_common:
        assert 0.4 < roc_auc_score(labels == label, means) < 0.6


def test_an_unknown_task_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(DataError, match="no phantom of task 'lung'; did you mean 'lungs'"):
        write_phantom("lung", tmp_path / "lung")


def test_phantoms_are_of_the_built_in_tasks():
    assert [*PHANTOMS] == ["cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy"]
    assert all(find_task(name) for name in PHANTOMS)


def test_a_folder_with_content_or_a_file_is_refused_and_kept(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for taken in ("full", "full/mine.txt"):
        with pytest.raises(DataError, match="not an empty folder"):
            write_phantom("lungs", tmp_path / taken, size=16, count=30)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "new").mkdir()
    folder = write_phantom("lungs", tmp_path / "new", size=16, count=30)
    assert folder == tmp_path / "new"
    assert (folder / "train_labels.csv").is_file()


@pytest.mark.parametrize("change", [{"count": 29}, {"size": 15}, {"count": 0}, {"seed": -1}])
def test_too_small_a_phantom_is_refused(change, tmp_path):
    with pytest.raises(DataError, match="too small"):
        write_phantom("lungs", tmp_path / "new", **change)
    assert not any(tmp_path.iterdir())


def test_nothing_is_left_of_a_phantom_that_failed(tmp_path, monkeypatch):
    def write_and_fail(folder, count, size, rng):
        (folder / "half.txt").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(PHANTOMS, "lungs", Phantom(write_and_fail, count=30, size=16))
    with pytest.raises(DataError, match="No space left"):
        write_phantom("lungs", tmp_path / "new")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", PHANTOMS)
@pytest.mark.parametrize("count", [30, 31, 47])
def test_the_count_is_kept(name, count, tmp_path):
    folder = write_phantom(name, tmp_path / name, size=16, count=count)
    if name == "histology":
        assert sum(len(np.load(path)["data"]) for path in folder.glob("*.npz")) == count
    else:
        assert sum(path.suffix != ".csv" for path in folder.rglob("*") if path.is_file()) == count
