"""Defects, one for each check: a function that plants it, and what the task has of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from audited import PATIENTS, SIDE, as_jpeg, change, picture, rows_of, write_rows
from made import write_dicom
from PIL import Image, ImageDraw, PngImagePlugin

YES = range(1, 2 * PATIENTS, 2)
NO = range(0, 2 * PATIENTS, 2)


def _edit(root: Path, number: int, **cells: str) -> None:
    rows = rows_of(root)
    rows.loc[rows["image"] == f"{number:04d}.png", list(cells)] = list(cells.values())
    write_rows(root, rows)


def _add(root: Path, name: str, like: int, **cells: str) -> Path:
    """Add a row like another one; return where its file goes."""
    rows = rows_of(root)
    row = rows[rows["image"] == f"{like:04d}.png"].assign(image=name, **cells)
    write_rows(root, pd.concat([rows, row]))
    return root / "images" / name


def patient_in_two_parts(root: Path) -> None:
    _edit(root, 3, patient="p4")
    _edit(root, 4, label="yes")


def identical_across(root: Path) -> None:
    file = _add(root, "again.png", 4, patient="q", part="valid")
    file.write_bytes((root / "images" / "0004.png").read_bytes())


def near_across(root: Path) -> None:
    file = _add(root, "again.png", 4, patient="q", part="valid")
    Image.fromarray(as_jpeg(picture(4))[:, ::-1]).save(file)


def identical_labels(root: Path) -> None:
    file = _add(root, "again.png", 4, patient="q", label="yes")
    file.write_bytes((root / "images" / "0004.png").read_bytes())


def near_labels(root: Path) -> None:
    file = _add(root, "again.png", 4, patient="q", label="yes")
    Image.fromarray(as_jpeg(picture(4))).save(file)


def patient_labels(root: Path) -> None:
    _edit(root, 4, patient="p5")


def no_patients(root: Path) -> None:
    write_rows(root, rows_of(root).assign(patient=""))


def headers(root: Path) -> None:
    """Shapes that overlap between the classes, so that no size belongs to one."""
    for number in [*YES, *NO]:
        file = root / "images" / f"{number:04d}.png"
        width = 48 + number // 2 % 10 + (12 if number % 2 else 0)
        Image.open(file).resize((width, 48 + number // 2 % 3)).save(file)


def border(root: Path) -> None:
    def framed(pixels: np.ndarray) -> np.ndarray:
        pixels[:3] = np.clip(pixels[:3].astype(int) + 60, 40, 240)
        return pixels

    change(root, YES, framed)


def tags(root: Path, **fields: str) -> None:
    """Write all as DICOM, with the fields of the maker, which tell the class but for some."""
    rows = rows_of(root)
    for number, name in enumerate(rows["image"]):
        yes = (number % 2 == 1) != (number % 10 == 1)
        said = fields or {"Manufacturer": "Alpha" if yes else "Omega"}
        write_dicom(
            (root / "images" / name).with_suffix(".dcm"), picture(number),
            PatientID=f"p{number}", BurnedInAnnotation="NO", StudyInstanceUID=f"1.2.{number + 1}",
            **said,
        )  # fmt: skip
        (root / "images" / name).unlink()
    write_rows(root, rows.assign(image=rows["image"].str.replace(".png", ".dcm")))


def study(root: Path) -> None:
    tags(root, Manufacturer="Alpha")
    for number in (3, 4):
        file = root / "images" / f"{number:04d}.dcm"
        write_dicom(
            file, picture(number), PatientID=f"p{number}", BurnedInAnnotation="NO",
            StudyInstanceUID="1.2.99", Manufacturer="Alpha",
        )  # fmt: skip


def polarity(root: Path) -> None:
    tags(root, Manufacturer="Alpha")
    write_dicom(
        root / "images" / "0007.dcm", 255 - picture(7), PatientID="p7", BurnedInAnnotation="NO",
        StudyInstanceUID="1.2.8", Manufacturer="Alpha", PhotometricInterpretation="MONOCHROME1",
    )  # fmt: skip


def burned(root: Path) -> None:
    tags(root, Manufacturer="Alpha")
    write_dicom(
        root / "images" / "0007.dcm", picture(7), PatientID="p7", BurnedInAnnotation="YES",
        StudyInstanceUID="1.2.8", Manufacturer="Alpha",
    )  # fmt: skip


def source(root: Path) -> None:
    """A folder whose images are of one class; headers don't tell it."""
    rows = rows_of(root)
    some = rows["image"].isin([f"{number:04d}.png" for number in list(YES)[:15]])
    (root / "images" / "ward").mkdir()
    for name in rows.loc[some, "image"]:
        (root / "images" / name).rename(root / "images" / "ward" / name)
    write_rows(root, rows.assign(image=rows["image"].where(~some, "ward/" + rows["image"])))


def lettering(root: Path) -> None:
    def lettered(pixels: np.ndarray) -> np.ndarray:
        shown = Image.fromarray(pixels)
        draw = ImageDraw.Draw(shown)
        draw.rectangle((0, 16, 47, 32), fill=10)
        draw.text((1, 18), "AP SUPINE", fill=255)
        return np.asarray(shown)

    change(root, [4, 7, 11, 14, 20, 23], lettered)


def padding(root: Path) -> None:
    def padded(pixels: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(int(pixels[9, 9])).integers(249, 256, (SIDE, 6))
        pixels[:, :3], pixels[:, -3:] = noise[:, :3], noise[:, 3:]  # as large a file as before
        return pixels

    change(root, list(YES)[::3], padded)


def broken(root: Path) -> None:
    file = root / "images" / "0007.png"
    file.write_bytes(file.read_bytes()[:200])


def blank(root: Path) -> None:
    change(root, [7], lambda pixels: np.full_like(pixels, 100))


def outlier(root: Path) -> None:
    change(root, [7], lambda pixels: (pixels // 16).astype(np.uint8))


def depth(root: Path) -> None:
    deep = picture(7).astype(np.uint16) * 257
    Image.fromarray(deep).save(root / "images" / "0007.png")


def orientation(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    file = root / "images" / "0007.png"
    Image.open(file).save(file, exif=exif)


def few(root: Path) -> None:
    rows = rows_of(root)
    valid = rows[(rows["part"] == "valid") & (rows["label"] == "yes")].index
    write_rows(root, rows.assign(part=rows["part"].where(~rows.index.isin(valid[1:]), "train")))


def missing_class(root: Path) -> None:
    rows = rows_of(root)
    moved = (rows["part"] == "valid") & (rows["label"] == "yes")
    write_rows(root, rows.assign(part=rows["part"].where(~moved, "train")))


def spelling(root: Path) -> None:
    _edit(root, 7, label="Yes")


def row_without_file(root: Path) -> None:
    (root / "images" / "0007.png").unlink()


def file_without_row(root: Path) -> None:
    Image.fromarray(picture(999)).save(root / "images" / "loose.png")


def person(root: Path) -> None:
    note = PngImagePlugin.PngInfo()
    note.add_text("Author", "CANARY")
    file = root / "images" / "0007.png"
    Image.open(file).save(file, pnginfo=note)


Planted = tuple[str, str, Callable[[Path], None], dict[str, object]]

PLANTED: list[Planted] = [
    ("L1", "ERROR", patient_in_two_parts, {}),
    ("L3", "ERROR", identical_across, {}),
    ("L4", "ERROR", near_across, {}),
    ("L5", "ERROR", identical_labels, {}),
    ("L6", "WARN", near_labels, {}),
    ("L6", "WARN", patient_labels, {}),
    ("L7", "WARN", no_patients, {}),
    ("S1", "ERROR", headers, {}),
    ("S2", "WARN", border, {}),
    ("S4", "WARN", tags, {}),
    ("S5", "ERROR", source, {}),
    ("S6", "WARN", lettering, {}),
    ("S6", "WARN", burned, {}),
    ("S7", "WARN", padding, {}),
    ("Q1", "ERROR", broken, {}),
    ("Q2", "WARN", blank, {}),
    ("Q3", "INFO", outlier, {}),
    ("Q4", "WARN", polarity, {}),
    ("Q5", "WARN", depth, {}),
    ("Q6", "INFO", orientation, {}),
    ("Y1", "ERROR", few, {}),
    ("Y2", "ERROR", missing_class, {}),
    ("Y3", "ERROR", spelling, {}),
    ("Y4", "ERROR", row_without_file, {}),
    ("Y4", "WARN", file_without_row, {}),
    ("P1", "WARN", person, {}),
    ("L2", "ERROR", study, {}),
]
