"""Writing client reports: pages, heat maps and files for machines, all of them or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.clients.findings import finding_of, telling
from fastmed.clients.model import Model, model_of
from fastmed.clients.page import page_of
from fastmed.clients.reading import Clients, read_clients
from fastmed.clients.record import Record, client_record, head, image_record, summary_record
from fastmed.clients.summary_page import summary_page_of
from fastmed.console import visible
from fastmed.data.pixels.safe_names import mirrored
from fastmed.errors import RunError
from fastmed.explaining.explanation import Explanation
from fastmed.explaining.several import aim_of, explain_several
from fastmed.files import write_json, write_text
from fastmed.page.document import Picture
from fastmed.page.pictures import thumbnail
from fastmed.prediction.story import predict
from fastmed.results.figures.style import save
from fastmed.results.maps.picture import side_by_side
from fastmed.run import Run
from fastmed.settings.heatmaps import check_method_name
from fastmed.whole_folder import check_place, whole_folder

PAGE, MACHINE, ALL = "index.html", "report.json", "clients.json"
HEATMAPS, FILES, CLIENTS = "heatmaps", "files", "clients"
OWN = {PAGE, MACHINE, ALL, HEATMAPS, FILES, CLIENTS}
WIDTH = 760  # pixels of an image and its heat map on a page


@dataclass(frozen=True)
class ClientReport:
    """What was written.

    Attributes:
        page: to open in a browser; of several clients the one that leads to all others.
        record: the content of the file for machines.
        unreadable: how many images could not be read.
    """

    page: Path
    record: dict[str, Any]
    unreadable: int


def write_client_report(
    run: Run | str | Path,
    source: str | Path,
    out: str | Path,
    *,
    method: str = "gradcam",
    one_client: bool = False,
    per_file_json: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    workers: int | None = None,
    cache: bool = True,
    **options: Any,
) -> ClientReport:
    """Write what a run finds in a client's images: a page, heat maps, and a file for machines.

    An image, an NPZ file or a folder of images is one client; of a folder of folders each is one,
    and gets a folder of its own below ``clients``, beside one page and one file of all. Images
    that can't be read are named with the reason. The folder appears when it is whole.

    Args:
        run: a run or its folder.
        source: the client's folder, image or NPZ file, or a folder of such folders.
        out: the folder to write, new or empty.
        method: of heat maps: ``gradcam``, ``hirescam``, ``occlusion``, ``integrated_gradients``.
        one_client: the folder is one client's, whatever folders are in it.
        per_file_json: write a file for machines for each image, too.
        overwrite: replace another client report.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        cache: keep the decoded images on disk.
        options: others of `predict`: views, calibrate, prevalence, operating_point, sets, abstain.

    Raises:
        DataError: no image can be read, or it is not clear whose they are.
        RunError: ``out`` holds something else, or the run is a family or has no weights.
        TaskError: there is no such method, or the network looks at no image.
        ModelError: the method needs a feature map, and the network has none.
    """
    run, out = run if isinstance(run, Run) else Run.open(run), Path(out)
    check_method_name(method)
    check_client_report(out, source, overwrite)
    model = model_of(run, **options)
    clients = read_clients(run.task, source, one_client=one_client, cache=cache)
    aim = aim_of(run, method, device)
    table = predict(run, clients.items, device=device, workers=workers, cache=cache, **options)
    found = explain_several(run, aim, clients.items, table, method=method, cache=cache)
    made = head("clients" if clients.several else "client", model, method)
    with whole_folder(out) as place:
        writer = _Writer(place, model, clients, table, made, per_file_json)
        record = writer.write(found)
    unread = sum(len(one) for one in clients.unreadable)
    return ClientReport(out / PAGE, record, unread)


def check_client_report(out: Path, source: str | Path, overwrite: bool) -> None:
    """Refuse a folder that holds anything that would be lost, or that holds the images.

    Raises:
        RunError: it holds something else, or a client report that may not be replaced.
    """
    check_apart(out, Path(source))
    check_place(out, OWN, "a client report")
    if not overwrite and ((out / MACHINE).exists() or (out / ALL).exists()):
        raise RunError(f"{out} holds another client report; `--overwrite` replaces it")


def check_apart(out: Path, source: Path) -> None:
    """Refuse to write among the images that are read: the next time they would be taken for some.

    Raises:
        RunError: one of the two folders is within the other.
    """
    inner, outer = out.resolve(), source.resolve()
    if outer.is_dir() and (inner.is_relative_to(outer) or outer.is_relative_to(inner)):
        raise RunError(
            f"{out} and the images in {source} lie in one another; choose a folder beside"
        )


@dataclass(frozen=True)
class _Writer:
    """Writes the reports of all clients, as their explanations come."""

    top: Path
    model: Model
    clients: Clients
    table: pd.DataFrame
    made: Record
    per_file: bool

    def write(self, found: Iterator[Explanation]) -> Record:
        """Write all, and return the record of the one client or of all."""
        if not self.clients.several:
            return self._client(0, self.top, found)
        names = mirrored(self.clients.names, "")
        records = []
        for number, name in enumerate(names):
            folder = f"{CLIENTS}/{name}"
            (self.top / folder).mkdir(parents=True)
            own = self._client(number, self.top / folder, found)
            records.append({"folder": folder, **own["client"]})
        record = {**self.made, "clients": records}
        write_json(self.top / ALL, record)
        write_text(self.top / PAGE, summary_page_of(records, PAGE, self.model))
        return record

    def _client(self, number: int, folder: Path, found: Iterator[Explanation]) -> Record:
        """Write the report of one client, whose explanations come next."""
        model, places = self.model, np.flatnonzero(self.clients.owners == number)
        inside = self.clients.folders[number]
        table = self.table.iloc[places].reset_index(drop=True)
        table["item"] = table["item"].str.removeprefix(inside)
        finding, shown = None, []
        if len(table):
            finding = finding_of(table, model.task, model.calibration, model.point)
            shown = telling(table, model.task, finding)
        images, pictures = self._images(places, [*table["item"]], folder, found, shown)
        client = client_record(
            self.clients.names[number],
            images,
            [
                (name.removeprefix(inside), visible(why))
                for name, why in self.clients.unreadable[number]
            ],
            self.clients.patients[number],
            None if finding is None else summary_record(finding, table, model),
        )
        made = {**self.made, "kind": "client"}
        record = {**made, "client": client}
        write_json(folder / MACHINE, record)
        write_text(folder / PAGE, page_of(client, finding, pictures, model, made))
        return record

    def _images(
        self,
        places: np.ndarray,
        names: list[str],
        folder: Path,
        found: Iterator[Explanation],
        shown: list[int],
    ) -> tuple[list[Record], list[Picture]]:
        """Write a heat map for each image, and return the records and the pictures of some."""
        items = self.clients.items.iloc[places].to_dict("records")
        figures, files = (mirrored(names, end) for end in (".png", ".json"))
        records, pictures = [], []
        each = zip(names, figures, files, items, strict=True)
        for place, (name, figure, file, item) in enumerate(each):
            one = next(found)
            save(one.figure(), folder / HEATMAPS / figure)
            where = f"{HEATMAPS}/{figure}"
            record = image_record(name, item, one, where, self.model)
            records.append(record)
            if self.per_file:
                made = {**self.made, "kind": "image"}
                write_json(folder / FILES / file, {**made, "image": record})
            if place in shown:
                pictures.append(_picture(one, record))
        return records, pictures


def _picture(one: Explanation, record: Record) -> Picture:
    name, explained = record["image"], one.explained
    flagged = ", flagged" if record["flagged"] else ""
    value = "" if record["value"] is None else f", value {record['value']:.2f}"
    said = f"{record['predicted']} ({record['probability']:.0%}{value}{flagged})"
    alt = f"{name} as the network sees it, and in grey under its heat map for {explained}"
    pixels = side_by_side(one.picture, one.heat)
    caption = f"{name}: {said}; map of {explained}"
    return thumbnail(pixels, alt, caption, WIDTH)
