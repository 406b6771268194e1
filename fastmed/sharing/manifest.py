"""The list of what is in a pack, with a checksum for each file."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fastmed.errors import DataError
from fastmed.files import leads_out, read_json
from fastmed.run.places import check_name
from fastmed.task import check_folder_name

MANIFEST = "manifest.json"


class Entry(BaseModel):
    """One file: how long it is, and its SHA-256."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bytes: Annotated[int, Field(ge=0)]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @classmethod
    def of(cls, file: Path) -> Self:
        """Return the entry of a file."""
        return cls(bytes=file.stat().st_size, sha256=sha256_of(file))


class Manifest(BaseModel):
    """What is in a pack.

    Attributes:
        kind: one run, or a family of runs.
        task: name of the task, and of the folder above.
        name: of the folder.
        fastmed: the version that packed it.
        identified: True if names of files and patients are in it.
        files: path -> length and checksum.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["fastmed-pack"] = "fastmed-pack"
    format_version: Literal[1] = 1
    kind: Literal["run", "family"]
    task: str
    name: str
    fastmed: str
    identified: bool
    files: dict[str, Entry]

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, Entry]) -> dict[str, Entry]:
        if any(leads_out(path) for path in files):
            raise ValueError("a path leads out of the folder")
        return files

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the manifest that a file holds.

        Raises:
            DataError: it is missing, or something else.
        """
        if not file.is_file():
            raise DataError(f"it has no {MANIFEST}, so `fastmed pack` did not make it")
        try:
            found = cls.model_validate(read_json(file))
        except (ValidationError, ValueError, OSError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise DataError(f"its {MANIFEST} is not as fastmed writes it: {reason}") from None
        try:
            check_folder_name(found.task)
            check_name(found.name)
        except Exception as error:
            raise DataError(f"its {MANIFEST} is not as fastmed writes it: {error}") from None
        return found


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
