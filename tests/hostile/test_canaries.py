"""What files say of persons goes nowhere: unique strings are planted, and looked for after.

Where they are planted: every text field of DICOM headers that no allowed column shows, private
fields among them; EXIF; text of PNG files; the comment of JPEG files; names of files and folders.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pydicom
import pytest
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo
from pydicom.datadict import DicomDictionary, keyword_dict

CANARY = "Canary"
IN_NAME, PATIENT = "Xanthippe", "730019"
SMALL = (
    "--arch", "test_resnet", "--no-pretrained", "--size", 32, "--epochs", 1, "--batch", 8,
    "--set", "split.test=0.2", "--set", "split.valid=0.2", "--set", "balance.method='none'",
    "--accept", "Y1=few images", "--device", "cpu", "--workers", 0, "--name", "one",
)  # fmt: skip
EXIF = (Base.Artist, Base.Copyright, Base.ImageDescription, Base.Software, Base.HostComputer)
TEXT = {"LO", "SH", "PN", "ST", "LT", "UT", "UC", "UR", "AE"}
# Of the device, which a column shows; and what says how text is to be read.
SHOWN = {"Manufacturer", "ManufacturerModelName", "SpecificCharacterSet"}


@pytest.fixture
def planted(phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data sets whose files speak of persons, in their contents and in their names."""
    monkeypatch.chdir(tmp_path)
    for task in ("pneumonia", "cardiomegaly", "lungs"):
        shutil.copytree(phantoms[task], tmp_path / "data" / task)
    for number, file in enumerate(sorted((tmp_path / "data").rglob("*.*"))):
        match file.suffix:
            case ".dcm":
                _plant_dicom(file, number)
            case ".png" | ".jpg" | ".jpeg":
                _plant_picture(file, number)
    _rename(tmp_path / "data" / "lungs")
    return tmp_path


def _plant_dicom(file: Path, number: int) -> None:
    header = pydicom.dcmread(file)
    planted = [word for word in keyword_dict if word not in SHOWN and _is_text(word)]
    for place, word in enumerate(planted[number % 7 :: 7]):
        if word != "PatientID":
            setattr(header, word, f"{CANARY}{place}"[:16])
    block = header.private_block(0x0029, "secret", create=True)
    block.add_new(1, "LO", f"{CANARY} private")
    inner = pydicom.Dataset()
    inner.PatientName = f"{CANARY}^Inner"
    header.RequestAttributesSequence = [inner]
    header.save_as(file)


def _is_text(word: str) -> bool:
    kind, many, _, retired, _ = DicomDictionary[keyword_dict[word]]
    return kind in TEXT and many == "1" and not retired and keyword_dict[word] >= 0x00080000


def _plant_picture(file: Path, number: int) -> None:
    picture = Image.open(file)
    picture.load()
    exif = picture.getexif()
    for tag in EXIF:
        exif[tag] = f"{CANARY}{number}"
    text = PngInfo()
    text.add_text("Patient", f"{CANARY}{number}")
    text.add_itxt("Author", f"{CANARY}{number}", zip=True)
    more = {"pnginfo": text} if file.suffix == ".png" else {"comment": CANARY.encode()}
    picture.save(file, exif=exif, **more)


def _rename(folder: Path) -> None:
    """Give the images of a table the names of a person."""
    sheet = pd.read_csv(folder / "train_labels.csv", dtype=str)
    new = {}
    for number, name in enumerate(sheet["image"]):
        file = folder / "train_images" / name
        new[name] = f"{PATIENT}{number:02}_{IN_NAME}{file.suffix}"
        file.rename(file.with_name(new[name]))
    sheet.assign(image=sheet["image"].map(new)).to_csv(folder / "train_labels.csv", index=False)


def _use(command: Callable, task: str, *privately: str) -> str:
    """Run the commands on a data set and return all that they said."""
    data = Path("data") / task
    said = [
        command("audit", task, "--data", data, "--json", "a.json", "--html", "a.html", *privately),
        command("train", task, "--data", data, *SMALL, *privately),
        command("evaluate", "runs/" + task + "/one", "--device", "cpu"),
        command("interpret", "runs/" + task + "/one", "--device", "cpu"),
        command("card", "runs/" + task + "/one", "--json", "card.json"),
        command("predict", data, "--run", f"runs/{task}/one", "--out", "p.csv", "--device", "cpu"),
        command("study", task, "--data", data, "--out", "study", *privately),
        command("convert", task, "--data", data, "--out", "converted", *privately),
    ]
    for one, codes in zip(said, [(0, 3, 4), *[(0,)] * 7], strict=True):
        assert one.code in codes, one.err
    return "\n".join(one.out + one.err for one in said)


def _outputs(place: Path) -> list[Path]:
    files = [file for file in place.rglob("*") if file.is_file()]
    return [file for file in files if place / "data" not in file.parents]


def _with(text: str, files: list[Path], place: Path) -> set[str]:
    """Return the files whose bytes or name hold a text."""
    return {
        file.relative_to(place).as_posix()
        for file in files
        if text.encode() in file.read_bytes() or text in file.relative_to(place).as_posix()
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pneumonia", "cardiomegaly"])
def test_what_files_say_of_persons_goes_nowhere(planted: Path, command: Callable, task: str):
    said = _use(command, task)
    files = _outputs(planted)
    assert len(files) > 40
    assert CANARY not in said
    assert _with(CANARY, files, planted) == set()
    assert _with(str(planted), files, planted) == set()


@pytest.mark.slow
def test_names_of_files_stand_only_where_they_are_keys(planted: Path, command: Callable):
    _use(command, "lungs")
    files = _outputs(planted)
    assert _with(CANARY, files, planted) == set()
    assert _with(str(planted), files, planted) == set()
    keys = re.compile(
        r"a\.(json|html)|p\.csv|runs/lungs/one/(items|calibration|predictions/\w+)\.csv"
        r"|converted/.*|study/.*"
    )
    named = _with(IN_NAME, files, planted)
    assert "runs/lungs/one/items.csv" in named
    assert [name for name in named if not keys.fullmatch(name)] == []


def test_pseudonyms_stand_in_the_place_of_all_names(planted: Path, command: Callable):
    said = _use(command, "lungs", "--pseudonymise")
    for text in (IN_NAME, PATIENT):
        assert text not in said
        assert _with(text, _outputs(planted), planted) == set()
    broken = next((planted / "data" / "lungs" / "train_images").iterdir())
    broken.write_bytes(b"broken")
    again = command("train", "lungs", "--data", "data/lungs", *SMALL, "--pseudonymise")
    assert again.code == 1
    assert "is truncated" in again.err or "not an image" in again.err
    assert IN_NAME not in again.out + again.err


def test_a_failed_training_names_no_file(planted: Path, command: Callable):
    """A run says why it failed, and its folder may be given away."""
    code = command("train", "lungs", "--data", "data/lungs", *SMALL, "--lr", 1e30).code
    assert code == 1
    reason = (planted / "runs" / "lungs" / "one" / "run.json").read_text()
    assert '"failed"' in reason
    assert IN_NAME not in reason
    assert str(planted) not in reason
