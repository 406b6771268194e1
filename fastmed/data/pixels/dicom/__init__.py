"""DICOM: the pixels as the standard shows them, and a few fields of headers by allow-list.

One module a step, in this order: which files are DICOM (`recognise`), what they may announce
(`limits`, `container`, `structure`, `announced`), one frame of them decoded (`codestream`,
`decode`), colours and tables (`colour`, `tables`), what values mean and how they are shown
(`modality`, `voi`, `grey`), square pixels (`square`). `read` puts them together.
"""

from fastmed.data.pixels.dicom.header import BLANK, HEADER, Header, read_header, years
from fastmed.data.pixels.dicom.read import read_dicom
from fastmed.data.pixels.dicom.recognise import DICOM_SUFFIXES, is_dicom

__all__ = [
    "BLANK",
    "DICOM_SUFFIXES",
    "HEADER",
    "Header",
    "is_dicom",
    "read_dicom",
    "read_header",
    "years",
]
