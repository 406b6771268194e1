"""Codes of classes in a terminology, by which other programs know what a finding is."""

from pydantic import field_validator

from fastmed.settings.part import Part

_LONGEST = {"value": 16, "scheme": 16, "meaning": 64}  # letters (DICOM PS3.3, 8.8)


class Code(Part):
    """What a class is called in a terminology.

    Attributes:
        value: the code, such as ``233604007``.
        scheme: the terminology as DICOM names it, such as ``SCT`` for SNOMED CT.
        meaning: the term of the code.
    """

    value: str
    scheme: str
    meaning: str

    @field_validator("value", "scheme", "meaning")
    @classmethod
    def _fits_dicom(cls, text: str, info: object) -> str:
        most = _LONGEST[str(getattr(info, "field_name", ""))]
        if not text.strip() or text != text.strip() or not text.isprintable() or "\\" in text:
            raise ValueError(f"{text!r} is empty, padded, or has signs that DICOM takes for others")
        if len(text) > most:
            raise ValueError(f"'{text[:20]}…' has {len(text)} letters, DICOM takes {most}")
        return text
