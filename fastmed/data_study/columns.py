"""Columns that a study breaks images down by: which are of the files, and what they are called."""

from fastmed.data.metadata import PREFIX

# What describes a file and not what is on the image, and names a class only by accident.
FILE_COLUMNS = ("format", "colour", "bits", "size", "suffix", "decoder", "scaling")
OF_FILES = (*FILE_COLUMNS, "kind")


def title_of(column: str) -> str:
    """Return what a figure of a column is headed with."""
    return {
        "meta_age": "Age (years)",
        "kind": "Kind of file",
        "format": "File format",
        "bits": "Bits of a channel",
        "suffix": "File suffix",
        "origin": "Origin",
        "scaling": "How values became 0 to 255",
    }.get(column, column.removeprefix(PREFIX).replace("_", " ").capitalize())
