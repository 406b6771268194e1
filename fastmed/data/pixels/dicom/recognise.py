"""Which files are DICOM, by their content, and what those are that only bear its suffix."""

from pathlib import Path

from fastmed.data.pixels.scaling import UnreadableError

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
PREAMBLE = 128  # bytes that mean nothing to DICOM (PS3.10, 7.1)
MARK = b"DICM"

# What programs begin with. The preamble of a DICOM file may hold such a beginning.
_PROGRAMS = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xce\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS program",
    b"#!": "a script",
}
_OTHERS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 image",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
}


def is_dicom(path: Path) -> bool:
    """True if a file is DICOM by its content, or else says so by its suffix."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(PREAMBLE + len(MARK))[PREAMBLE:] == MARK


def check_start(start: bytes) -> None:
    """Refuse what is not DICOM, or is a program as well.

    No program is ever started by fastmed. But a file that is both an image and a program has been
    made by no scanner, and it would lie in folders of data and be handed on.

    Args:
        start: the first bytes of the file, 512 or more where it has so many.

    Raises:
        UnreadableError: the file has no mark of DICOM, or its preamble is the start of a program.
    """
    if start[PREAMBLE : PREAMBLE + len(MARK)] != MARK:
        raise UnreadableError(f"it is named as DICOM, but {_seems(start)}")
    for program, name in _PROGRAMS.items():
        if start.startswith(program):
            raise UnreadableError(
                f"its first {PREAMBLE} bytes make it {name} as well; overwrite them with zeros if "
                "you trust where it comes from"
            )


def _seems(start: bytes) -> str:
    """Return what a file is by its first bytes."""
    if not start:
        return "is empty"
    for beginning, name in {**_OTHERS, **_PROGRAMS}.items():
        if start.startswith(beginning):
            return f"is {name}"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in start):
        return "is text"
    return "the mark 'DICM' at byte 128 is missing"
