"""Options of ``fastmed predict`` that hand predictions over: client reports and DICOM objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Optional

import typer

from fastmed.cli.options import HEATMAP_METHODS
from fastmed.errors import DataError

if TYPE_CHECKING:
    from fastmed.run import Run

_PANEL = "Reports and DICOM"
ClientReportDir = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--client-report",
        metavar="DIR",
        help="Write a page, heat maps and JSON of a client's folder, or of each in a folder.",
        rich_help_panel=_PANEL,
    ),
]
PerFileJson = Annotated[
    bool,
    typer.Option(
        "--per-file-json", help="A JSON file for each image, too.", rich_help_panel=_PANEL
    ),
]
OneClient = Annotated[
    bool,
    typer.Option(
        "--one-client",
        help="INPUT is one client's, whatever folders are in it.",
        rich_help_panel=_PANEL,
    ),
]
DicomSr = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--dicom-sr",
        metavar="DIR",
        help="Write a DICOM Structured Report for each study.",
        rich_help_panel=_PANEL,
    ),
]
DicomSc = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--dicom-sc",
        metavar="DIR",
        help="Write each heat map as a DICOM Secondary Capture.",
        rich_help_panel=_PANEL,
    ),
]
DicomCodes = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--dicom-codes",
        metavar="FILE.toml",
        help="Codes of the classes for --dicom-sr; the task's if left out.",
        rich_help_panel=_PANEL,
    ),
]
Method = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--method",
        metavar="METHOD",
        help=HEATMAP_METHODS,
        rich_help_panel=_PANEL,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace an earlier client report or DICOM objects of fastmed.",
        rich_help_panel=_PANEL,
    ),
]


class HandingOver(NamedTuple):
    """What was asked for; see the options."""

    client_report: Path | None
    per_file_json: bool
    one_client: bool
    dicom_sr: Path | None
    dicom_sc: Path | None
    dicom_codes: Path | None
    method: str | None
    overwrite: bool

    @property
    def folders(self) -> list[Path]:
        """The folders to write."""
        return [one for one in (self.client_report, self.dicom_sr, self.dicom_sc) if one]

    def check(self, others: Mapping[str, object], skip_bad: bool) -> None:
        """Refuse options that would have no effect.

        Args:
            others: options that make a table, by name; false or None where they are not given.
            skip_bad: whether images that can't be read are to be left out.

        Raises:
            DataError: names the option, and what it needs.
        """
        maps = self.client_report or self.dicom_sc
        needs = {
            "--per-file-json": (self.per_file_json, self.client_report, "--client-report"),
            "--one-client": (self.one_client, self.client_report, "--client-report"),
            "--dicom-codes": (self.dicom_codes, self.dicom_sr, "--dicom-sr"),
            "--method": (self.method, maps, "--client-report or --dicom-sc"),
            "--overwrite": (
                self.overwrite, self.folders, "--client-report, --dicom-sr or --dicom-sc"
            ),
        }  # fmt: skip
        for name, (given, needed, what) in needs.items():
            if given and not needed:
                raise DataError(f"{name} has no effect without {what}")
        if not self.folders:
            return
        table = [name for name, given in others.items() if given not in (None, False)]
        if table:
            raise DataError(
                f"{table[0]} is for a table, which is not written with --client-report, --dicom-sr "
                "or --dicom-sc; predict once more for it"
            )
        if skip_bad and self.folders == [self.client_report]:
            raise DataError(
                "--skip-bad has no effect with --client-report, which names images that can't be "
                "read and goes on"
            )
        if len({folder.absolute() for folder in self.folders}) < len(self.folders):
            raise DataError("the client report and the DICOM objects need folders of their own")


def hand_over(
    wishes: HandingOver, run: "Run", source: Path, options: dict[str, Any], skip_bad: bool
) -> int:
    """Write what was asked for, once all of it can be written, and say where it is.

    Returns how many images a client report could not read.

    Args:
        wishes: what was asked for.
        run: that predicts.
        source: the images.
        options: of `fastmed.predict`.
        skip_bad: for DICOM objects, leave out images that can't be read.
    """
    from fastmed.clients.writing import check_client_report, write_client_report
    from fastmed.console import note
    from fastmed.dicom_out.writing import check_dicom_out, write_dicom_sc, write_dicom_sr

    own = {"overwrite": wishes.overwrite, **options}
    method: dict[str, Any] = {} if wishes.method is None else {"method": wishes.method}
    if wishes.client_report is not None:
        check_client_report(wishes.client_report, source, wishes.overwrite)
    for folder in filter(None, (wishes.dicom_sr, wishes.dicom_sc)):
        check_dicom_out(run, folder, source, wishes.overwrite)
    unreadable = 0
    if wishes.client_report is not None:
        done = write_client_report(
            run, source, wishes.client_report, one_client=wishes.one_client,
            per_file_json=wishes.per_file_json, **method, **own,
        )  # fmt: skip
        note(f"Report {done.page}")
        unreadable = done.unreadable
    if wishes.dicom_sr is not None:
        files = write_dicom_sr(
            run, source, wishes.dicom_sr, codes=wishes.dicom_codes, skip_bad=skip_bad, **own
        )
        note(f"{len(files)} Structured Reports are in {wishes.dicom_sr}")
    if wishes.dicom_sc is not None:
        files = write_dicom_sc(run, source, wishes.dicom_sc, skip_bad=skip_bad, **method, **own)
        note(f"{len(files)} Secondary Captures are in {wishes.dicom_sc}")
    return unreadable
