"""Where a task's images and labels are: one source model for each layout of files."""

import re
import unicodedata
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.files import leads_out
from fastmed.settings.data import MetaName
from fastmed.settings.part import Part

PARTS = ("train", "valid", "test")


class Group(Part):
    """Which images belong to one patient; exactly one of three ways to know.

    Attributes:
        column: a column of the source's table.
        tag: a DICOM keyword, such as ``PatientID``.
        pattern: a regular expression searched in the file name; its first group (or the whole
            match) names the patient. An image without a match is a patient of its own.
    """

    column: str | None = None
    tag: str | None = None
    pattern: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression ({error})") from None
        return pattern

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.column, self.tag, self.pattern)) != 1:
            raise ValueError("expected exactly one of 'column', 'tag', 'pattern'")
        return self


class Source(Part):
    """What every kind of source has.

    Attributes:
        group: how patients are known; None where nothing is known about them.
        rename: what the files say -> the class of the task, for labels written otherwise.
    """

    group: Group | None = None
    rename: dict[str, str] = Field(default_factory=dict)

    @field_validator("rename")
    @classmethod
    def _composed(cls, rename: dict[str, str]) -> dict[str, str]:
        """Write accents as one character each, as classes and labels are compared."""
        return {_composed(label): _composed(name) for label, name in rename.items()}

    @field_validator(
        "file", "valid_file", "test_file", "label_file", "boxes", "folder", check_fields=False
    )
    @classmethod
    def _below_the_root(cls, paths: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for path in (paths,) if isinstance(paths, str) else paths or ():
            if leads_out(path):
                raise ValueError(
                    f"'{path}' leads out of the data folder; expected a path below it, and the "
                    "data folder itself with --data DIR"
                )
        return paths

    def _refuse_group(self, *ways: str) -> None:
        for way in ways:
            if self.group is not None and getattr(self.group, way) is not None:
                raise ValueError(f"group.{way} has no meaning for a source of this kind")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


class FoldersSource(Source):
    """One folder a class, with or without ``train``/``valid``/``test`` folders above."""

    kind: Literal["folders"]
    folder: str = "."

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("column", "tag")
        return self


class TableSource(Source):
    """A table of names and labels, and one or several folders of images.

    Attributes:
        file: the table; ``valid_file`` and ``test_file`` hold given parts with the same columns.
        image, label: columns of the image's name and of its label.
        part: a column that says train, valid or test.
        folder: where the images are; with several folders the first that has the file wins.
        suffix: appended to the names, where the table leaves it out.
        separator: between columns; None finds it out.
        meta: name of a piece of metadata -> the column that holds it.
    """

    kind: Literal["table"]
    file: str
    image: str
    label: str
    valid_file: str | None = None
    test_file: str | None = None
    part: str | None = None
    folder: str | tuple[str, ...] = "."
    suffix: str = ""
    separator: str | None = None
    meta: dict[MetaName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("tag")
        return self


class ArraysSource(Source):
    """NPZ files of uint8 images (N, H, W) or (N, H, W, 3) and labels (N,) or (N, 1).

    Attributes:
        file: the arrays ``data`` and ``labels``, or MedMNIST's ``train_images``,
            ``train_labels``, ``val_...`` and ``test_...`` in one file.
        valid_file, test_file: given parts, with the same array names.
        label_file: where the labels of ``file`` are, if they lie in a second NPZ file.
        data, labels: the names of the arrays.
    """

    kind: Literal["arrays"]
    file: str
    valid_file: str | None = None
    test_file: str | None = None
    label_file: str | None = None
    data: str = "data"
    labels: str = "labels"

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("column", "tag", "pattern")
        return self


class DicomSource(Source):
    """A folder of DICOM files and a table of labels; rows that repeat an image are merged.

    Attributes:
        file, image, label, separator, meta: the table of labels, as for a table source; a column
            named in ``meta`` takes the place of the header field of that name.
        folder: where the files are; ``suffix`` is appended to the table's names.
        boxes: a table of the boxes that readers have drawn: the column ``image``, ``x``, ``y``,
            ``width`` and ``height`` in pixels. Heat maps can be compared with them.
    """

    kind: Literal["dicom"]
    file: str
    image: str
    label: str
    folder: str = "."
    suffix: str = ".dcm"
    separator: str | None = None
    boxes: str | None = None
    meta: dict[MetaName, str] = Field(default_factory=dict)


AnySource = Annotated[
    FoldersSource | TableSource | ArraysSource | DicomSource, Field(discriminator="kind")
]
