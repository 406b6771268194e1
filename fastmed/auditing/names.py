"""What names of files may tell: a patient's number, or a person's name."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import pandas as pd

# A word for a person and what follows it, or a number of three digits or more before a separator.
_PATIENT = re.compile(
    r"(?:^|[_\-. ])(?:patient|pat|person|subject|subj|sub|case|pid)[_\-. ]?(\d+|[a-z]?\d+)"
    r"|^([a-z]{0,4}\d{3,})[_\-. ].",
    re.IGNORECASE,
)
_SHARE = 0.5  # of the names that have to fit
_FEWEST, _LARGEST = 5, 0.1  # patients, and share of the images that one may have
_CARET = re.compile(r"[^\W\d_]{2,}\^[^\W\d_]{2,}")
_PAIR = re.compile(r"(?<![^\W\d_])([A-Z][a-z]{2,})[ _,-]{1,2}([A-Z][a-z]{2,})(?![^\W\d_])")
_USUAL = (
    "Abnormal April August Bacterial Benign Camera Case Chest Class Copy Covid Data Dataset "
    "December Disease Export February Fig Figure Final Frame Friday Frontal Grade Healthy "
    "Image Img January July June Label Lateral Left Lung Lungs Malignant March May Mild "
    "Moderate Monday New Normal November October Opacity Original Other Patient Photo "
    "Pneumonia Portable Ray Right Saturday Scan Screenshot September Series Severe Slice "
    "Study Sunday Test Thursday Tissue Train Tuberculosis Tuesday Tumor Valid View Viral "
    "Virus Wednesday Xray "
)
_NO_NAMES = frozenset(_USUAL.split())
_FEWEST_PAIRS = 3


def guessed_patients(items: pd.DataFrame) -> pd.Series | None:
    """Return a patient for each item as names of files seem to tell it; None if they don't.

    They do if half of the names fit, several patients have several images, and none has a tenth.
    """
    names = items["image"].map(lambda image: PurePosixPath(image).stem)
    found = names.map(_patient)
    counts = found[found != ""].value_counts()
    if len(items) == 0 or len(counts) < _FEWEST or (counts > 1).sum() < _FEWEST:
        return None
    fits = (found != "").mean() >= _SHARE and counts.iloc[0] <= max(3, _LARGEST * len(items))
    return found if fits else None


def _patient(name: str) -> str:
    match = _PATIENT.search(name)
    return (match[1] or match[2]).lower() if match else ""


def persons_in(names: Iterable[str]) -> list[int]:
    """Return the positions of names that seem to name a person.

    ``Doe^Jane`` always does. Two words with capitals do if they are no usual words and several
    such pairs differ, as names of persons do.
    """
    stems = [PurePosixPath(name).name.rsplit(".", 1)[0] for name in names]
    carets = [place for place, stem in enumerate(stems) if _CARET.search(stem)]
    pairs = {place: pair for place, stem in enumerate(stems) if (pair := _pair(stem))}
    several = len(set(pairs.values())) >= _FEWEST_PAIRS
    return sorted({*carets, *(pairs if several else ())})


def _pair(stem: str) -> tuple[str, str] | None:
    match = _PAIR.search(stem)
    if not match or match[1] in _NO_NAMES or match[2] in _NO_NAMES:
        return None
    return match[1], match[2]
