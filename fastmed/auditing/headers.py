"""What headers say that the audit looks at: DICOM fields by a list of allowed ones, EXIF, texts.

Values that might name a person never leave this module: only the names of fields do, and a hash of
the study.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple

from PIL import ExifTags, Image

from fastmed.data.pixels.bounded_file import BoundedFile
from fastmed.data.pixels.dicom import is_dicom, read_header
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.limits import STANDARD
from fastmed.data.pixels.picture import FORMATS
from fastmed.data.pixels.remarks import remarks
from fastmed.errors import DataError

# Columns of `read_header` that tell how or where an image was made; age and sex do not.
DEVICE = ("modality", "manufacturer", "model", "view", "photometric", "rows", "columns", "spacing")
TAGS = (*DEVICE, "kvp")
_OWN = ("KVP", "BurnedInAnnotation", "StudyInstanceUID")
_LONGEST = 2000  # characters of a text that are looked at
_EXIF_PERSONS = {0x013B: "Artist", 0x8298: "Copyright", 0x9C9D: "XPAuthor", 0xA430: "CameraOwner"}
_PERSON_KEY = re.compile(
    r"(patient|person|subject|owner|author|artist|physician|doctor|name$)", re.I
)
_PERSON_VALUE = re.compile(r"[^\W\d_]{2,}\^[^\W\d_]{2,}|\b(name|patient|born|dob)\b\s*[:=]", re.I)


class Said(NamedTuple):
    """What a header says beside size and format.

    Attributes:
        tags: DICOM fields of `TAGS`, as numbers and texts; empty for other files.
        burned: DICOM's word on lettering in the pixels: YES, NO or nothing.
        study: a hash of the study's identifier; empty if there is none.
        orientation: of EXIF, from 1; 1 if it says nothing.
        frames: pages or frames.
        alpha: whether it can be transparent.
        persons: names of fields and texts that may name a person.
    """

    tags: dict[str, float | str]
    burned: str = ""
    study: str = ""
    orientation: int = 1
    frames: int = 1
    alpha: bool = False
    persons: tuple[str, ...] = ()


NOTHING = Said({})


def read_said(path: Path) -> Said:
    """Return what a file's header says; nothing where it can't be read."""
    try:
        return _dicom(path) if is_dicom(path) else _picture(path)
    except (DataError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return NOTHING


def _dicom(path: Path) -> Said:
    meta = read_header(path).meta
    with open_container(path, STANDARD) as container:
        fields = Fields(container.dataset(_OWN))
        burned = fields.text("BurnedInAnnotation").upper()
        study = fields.text("StudyInstanceUID")
        kvp = fields.number("KVP")
    tags = {name: meta[f"meta_{name}"] for name in DEVICE}
    return Said(
        {**tags, "kvp": float("nan") if kvp is None else kvp},
        burned if burned in ("YES", "NO") else "",
        hashlib.sha256(study.encode()).hexdigest()[:16] if study else "",
    )


def _picture(path: Path) -> Said:
    with BoundedFile(path) as file, remarks("ignore", Warning):
        picture = Image.open(file, formats=FORMATS)
        info: dict[Any, Any] = dict(picture.info)
        late = picture.format == "PNG" and "exif" not in info
        exif = Image.Exif() if late else picture.getexif()
        texts = {key: text for key, text in info.items() if isinstance(key, str)}
        return Said(
            {},
            orientation=int(exif.get(ExifTags.Base.Orientation, 1)),
            frames=int(getattr(picture, "n_frames", 1)),
            alpha="A" in picture.mode or "transparency" in info,
            persons=(*_persons_of_exif(exif), *_persons_of_texts(texts)),
        )


def _persons_of_exif(exif: Image.Exif) -> list[str]:
    values = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)} if len(exif) else {}
    return [
        f"EXIF {name}" for tag, name in _EXIF_PERSONS.items() if str(values.get(tag, "")).strip()
    ]


def _persons_of_texts(texts: dict[str, Any]) -> list[str]:
    """Return which texts of a PNG file, or comments of others, may name a person."""
    found = []
    for key, value in texts.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if not isinstance(text, str) or not text.strip():
            continue
        if key in ("icc_profile", "exif", "photoshop", "xmp", "adobe"):
            continue
        if _PERSON_KEY.search(key) or _PERSON_VALUE.search(text[:_LONGEST]):
            found.append("a text" if len(key) > 40 else f"text '{_plain(key)}'")
    return found


def _plain(key: str) -> str:
    known = _PERSON_KEY.search(key)
    return known[0].lower() if known else "comment"
