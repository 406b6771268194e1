"""DICOM out, read back: reports and captures say what was predicted, and of whose images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import Dataset, config, dcmread
from pydicom.dataelem import DataElement
from pydicom.uid import generate_uid

import fastmed
from fastmed.data.inputs import read_input
from fastmed.dicom_out.codes import SCHEME, private_value
from fastmed.dicom_out.lettering import lettered
from fastmed.dicom_out.sources import studies_of
from fastmed.errors import DataError, MissingExtraError, RunError, TaskError
from fastmed.files import read_info, write_json
from fastmed.run import Run

AGE = "049Y"


def study(run: Run, folder: Path, count: int = 2, **fields: Any) -> Path:
    """Write images of the run's data as those of one study of one patient."""
    folder.mkdir()
    uid = generate_uid()
    for number, image in enumerate(run.items["image"].iloc[:count]):
        header = dcmread(run.data / image)
        header.StudyInstanceUID, header.PatientID, header.PatientName = uid, "P1", "Doe^Jane"
        header.add(DataElement("PatientAge", "AS", "49", validation_mode=config.IGNORE))
        for name, value in fields.items():
            setattr(header, name, value)
        header.save_as(folder / f"{number}.dcm")
    return folder


def named(content: Any, meaning: str) -> list[Dataset]:
    """Return the items of a tree of content whose concept has a meaning."""
    found = []
    for item in content.get("ContentSequence", []):
        name = item.get("ConceptNameCodeSequence")
        if name and name[0].CodeMeaning == meaning:
            found.append(item)
        found += named(item, meaning)
    return found


def number(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].NumericValue)


@pytest.fixture(scope="module")
def run(trained: dict[str, Run]) -> Run:
    return trained["pneumonia"]


def test_a_report_of_each_study(run: Run, tmp_path: Path) -> None:
    folder = study(run, tmp_path / "in")
    other = dcmread(run.data / run.items["image"].iloc[5])
    other.save_as(folder / "other.dcm")
    files = fastmed.write_dicom_sr(
        run, folder, tmp_path / "sr", device="cpu", operating_point="class=Lung Opacity,youden"
    )
    table = fastmed.predict(run, folder, device="cpu", operating_point="class=Lung Opacity,youden")
    assert len(files) == 2
    found = {report.StudyInstanceUID: report for report in map(highdicom.sr.srread, files)}
    own = found[dcmread(folder / "0.dcm").StudyInstanceUID]
    assert (own.VerificationFlag, own.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert (own.PatientID, own.PatientName, own.PatientAge) == ("P1", "Doe^Jane", AGE)
    assert own.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    groups = named(own, "Measurement Group")
    assert len(groups) == 3  # all images of the study, and each of the two
    for group, row in zip(groups[1:], table.to_dict("records"), strict=False):
        code = named(group, "Finding")[0].ConceptCodeSequence[0]
        assert (code.CodeMeaning, code.CodingSchemeDesignator) == (row["predicted"], SCHEME)
        assert code.CodeValue == private_value("C", "pneumonia", row["predicted"])
        certainty = number(named(group, "Certainty of Finding")[0])
        assert certainty == pytest.approx(100 * row[f"score_{row['predicted']}"], abs=1e-3)
        for name in run.task.classes:
            told = number(named(group, f"Probability of {name}")[0])
            assert told == pytest.approx(100 * row[f"score_{name}"], abs=1e-3)
        flag = named(group, "Flagged by the operating point")[0].ConceptCodeSequence[0]
        assert flag.CodeMeaning == ("Yes" if row["flagged"] else "No")
        version = named(group, "Algorithm Version")[0].TextValue
        assert fastmed.__version__ in version
        assert run.path.name in version
    sources = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in named(groups[0], "Source of Measurement")
    }
    assert sources == {dcmread(folder / f"{n}.dcm").SOPInstanceUID for n in (0, 1)}
    means = table.iloc[:2]["score_Normal"].mean()
    assert number(named(groups[0], "Probability of Normal")[0]) == pytest.approx(
        100 * means, abs=1e-3
    )
    assert len(named(found[other.StudyInstanceUID], "Measurement Group")) == 1


def test_a_capture_of_each_image(run: Run, tmp_path: Path) -> None:
    folder = study(run, tmp_path / "in", LossyImageCompression="01", PatientOrientation=["L", "F"])
    files = fastmed.write_dicom_sc(run, folder, tmp_path / "sc", device="cpu", method="hirescam")
    captures = sorted(map(dcmread, files), key=lambda one: one.InstanceNumber)
    assert [one.InstanceNumber for one in captures] == [1, 2]
    assert len({one.SeriesInstanceUID for one in captures}) == 1
    for place, one in enumerate(captures):
        source = dcmread(folder / f"{place}.dcm")
        assert one.StudyInstanceUID == source.StudyInstanceUID
        assert one.SeriesInstanceUID != source.SeriesInstanceUID
        assert one.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert (one.PatientName, one.PatientAge) == ("Doe^Jane", AGE)
        assert one.BurnedInAnnotation == "YES"
        assert one.LossyImageCompression == "01"
        assert list(one.PatientOrientation) == ["L", "F"]
        assert list(one.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        assert "NOT FOR DIAGNOSIS" in one.SeriesDescription
        pixels = one.pixel_array
        assert pixels.shape[1:] == (512, 3)
        for band in (pixels[:60], pixels[-40:]):  # the mark, in amber, above and below
            amber = (band[..., 0] > 200) & (band[..., 2] < 100)
            assert amber.mean() > 0.02


def test_nothing_but_dicom_of_known_patients(
    run: Run, trained: dict[str, Run], own_run: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    lungs = trained["lungs"]
    with pytest.raises(DataError, match=r"1 of 1 images are not DICOM: .*; only what belongs"):
        fastmed.write_dicom_sr(run, lungs.data / lungs.items["image"].iloc[0], out, device="cpu")
    hidden = own_run("pneumonia")
    task = read_info(hidden.path / "task.json")
    write_json(hidden.path / "task.json", {**task, "pseudonymise": True})
    with pytest.raises(RunError, match="names its patient and study, which this run hides"):
        fastmed.write_dicom_sc(hidden.path, run.data, out)
    folder = study(run, tmp_path / "in")
    items = read_input(run.task, folder)
    second = dcmread(folder / "1.dcm")
    second.PatientID = "P2"
    second.save_as(folder / "1.dcm")
    with pytest.raises(DataError, match="has images of 2 patients, by PatientID"):
        studies_of(items, run.task)
    del second.StudyInstanceUID
    second.save_as(folder / "1.dcm")
    with pytest.raises(DataError, match=r"1\.dcm has no valid StudyInstanceUID, by which"):
        studies_of(items, run.task)
    assert not out.exists()


def test_headers_are_carried_over_as_the_standard_wants_them(run: Run, tmp_path: Path) -> None:
    folder = study(
        run, tmp_path / "in", 1, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg",
        NumberOfFrames=3, PatientWeight="70.5",
    )  # fmt: skip
    header = dcmread(folder / "0.dcm")
    header.add(DataElement("PatientSex", "CS", "unknown", validation_mode=config.IGNORE))
    header.add(DataElement("StudyDate", "DA", "last week", validation_mode=config.IGNORE))
    header.save_as(folder / "0.dcm")
    task = run.task.with_changes({"image.frame": "last"})
    [[source]] = studies_of(read_input(task, folder), task)
    found = source.header
    assert found.PatientName == "Müller^Jörg"
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert found.PatientAge == AGE
    assert float(found.PatientWeight) == 70.5
    assert found.PatientSex is found.StudyDate is None or not (found.PatientSex or found.StudyDate)
    assert source.frame == 3
    assert "SeriesDescription" not in found


def test_codes_of_the_users_own(run: Run, tmp_path: Path) -> None:
    folder = study(run, tmp_path / "in", 1)
    code = 'value = "10", scheme = "99TEST", meaning = "A finding of a test"'
    lines = "\n".join(f'"{name}" = {{ {code} }}' for name in run.task.classes)
    (tmp_path / "codes.toml").write_text(lines)
    files = fastmed.write_dicom_sr(
        run, folder, tmp_path / "sr", codes=tmp_path / "codes.toml", device="cpu"
    )
    group = named(highdicom.sr.srread(files[0]), "Measurement Group")[0]
    found = named(group, "Finding")[0].ConceptCodeSequence[0]
    assert (found.CodeValue, found.CodingSchemeDesignator) == ("10", "99TEST")
    wrong = {
        "nodule": f"nodule = {{ {code} }}",
        "letters": f'Normal = {{ {code[:-1]}{"x" * 70}" }}',
    }
    for text, sentence in zip(wrong.values(), ("is not a class", "has 89 letters"), strict=True):
        (tmp_path / "codes.toml").write_text(text)
        with pytest.raises(TaskError, match=sentence):
            fastmed.write_dicom_sr(run, folder, tmp_path / "new", codes=tmp_path / "codes.toml")


def test_what_is_there_is_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = study(run, tmp_path / "in", 1), tmp_path / "sr"
    first = fastmed.write_dicom_sr(run, folder, out, device="cpu")
    with pytest.raises(RunError, match="holds 1 DICOM objects; `--overwrite` replaces them"):
        fastmed.write_dicom_sr(run, folder, out, device="cpu")
    again = fastmed.write_dicom_sr(run, folder, out, overwrite=True, device="cpu")
    assert len(again) == 1
    assert again != first
    (out / "mine.dcm").write_bytes(b"mine")
    with pytest.raises(RunError, match="holds 'mine.dcm', which is not of DICOM objects"):
        fastmed.write_dicom_sr(run, folder, out, overwrite=True, device="cpu")
    with pytest.raises(RunError, match="lie in one another"):
        fastmed.write_dicom_sr(run, folder, folder / "sr", device="cpu")

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("fastmed.dicom_out.extra.import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install \"fastmed\[dicom-out\]\""):
        fastmed.write_dicom_sr(run, folder, tmp_path / "new", device="cpu")


def test_what_was_not_seen_is_dark_and_long_words_fit() -> None:
    pixels, heat = np.full((600, 400), 200, np.uint8), np.zeros((600, 400))
    heat[:300] = np.nan
    shown = lettered(pixels, heat, ["x" * 400, "Größe ≥ 5"])
    assert shown.shape[1] == 448
    assert shown.shape[0] > 700
    middle = shown[:, 224]
    assert (middle == 200).all(axis=1).sum() >= 299
    assert (middle == 80).all(axis=1).sum() >= 299
