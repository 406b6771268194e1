"""Writing a report: its page, its model card, and its file for machines."""

from collections.abc import Sequence
from pathlib import Path

from fastmed.documents.subject import HasPath
from fastmed.errors import RunError
from fastmed.files import write_json, write_text
from fastmed.reporting.comparison import page_and_json
from fastmed.reporting.machine import json_of
from fastmed.reporting.model_card import markdown_of
from fastmed.reporting.page import page_of
from fastmed.reporting.sections import sections_of
from fastmed.reporting.story import Story, check_checklist, tell
from fastmed.whole_folder import check_place, whole_folder

FOLDER, PAGE, MACHINE, CARD = "report", "index.html", "report.json", "MODEL_CARD.md"
OWN = {PAGE, MACHINE, CARD}
Place = HasPath | str | Path


def write_report(
    run: Place | Sequence[Place],
    *,
    split: str | None = None,
    checklist: str | None = None,
    answers: str | Path | None = None,
    heatmaps: int | None = None,
    out: str | Path | None = None,
    device: str | None = None,
) -> Path:
    """Write the report of a run, a family of runs, or a comparison of several, and return its page.

    A report is ``report/index.html`` and ``report/report.json`` in the run's folder, and
    ``MODEL_CARD.md`` beside them at its top. No image is predicted; torch is loaded only for heat
    maps. Of a comparison it is a folder beside you, without a model card.

    Args:
        run: a run, a family, the folder of one, or several of them.
        split: the part or set that is told; None takes the test part if it was evaluated, or of a
            family its held-out folds, or else the validation part, of which the report warns.
        checklist: ``claim``, ``tripod-ai`` or ``stard-ai``; None shows all.
        answers: a file of the user's; None takes ``card.toml`` in the folder, if it is there.
        heatmaps: how many heat maps to draw before; None shows those that are there.
        out: the folder of page, model card and file, if not that of the run.
        device: for the heat maps.

    Raises:
        RunError: there is no such run, part or checklist, or the folder holds something else.
        DataError: runs can't be compared, or the images for heat maps are gone.
    """
    several = [] if isinstance(run, str | Path) or hasattr(run, "path") else list(run)
    if len(several) == 1:
        run, several = several[0], []
    if several:
        return _write_comparison(several, split, out, given=(checklist, answers, heatmaps))
    check_checklist(checklist)
    place: Place = run  # type: ignore[assignment]
    if heatmaps is not None:
        _draw(place, split, heatmaps, device)
    story = tell(place, split=split, checklist=checklist, answers=answers)
    top = story.run.results if out is None else Path(out)
    return _write(story, top / FOLDER if out is None else top, top)


def _write(story: Story, folder: Path, top: Path) -> Path:
    check_place(folder, OWN, "a report")
    sections = sections_of(story)
    page, machine = page_of(story, sections), json_of(story, sections)
    card = markdown_of(story)
    with whole_folder(folder) as place:
        write_text(place / PAGE, page)
        write_json(place / MACHINE, machine)
        if folder == top:
            write_text(place / CARD, card)
    if folder != top:
        write_text(top / CARD, card)
    return folder / PAGE


def _draw(place: Place, split: str | None, count: int, device: str | None) -> None:
    """Draw heat maps of the part that the report tells.

    Raises:
        RunError: a family has no network of its own.
    """
    story = tell(place, split=split)
    if story.subject.kind == "family":
        raise RunError(f"{story.subject.path} is a family of runs; draw heat maps of one of them")
    if story.part is None:
        raise RunError(f"{story.subject.path} has no evaluated part to draw heat maps of")
    from fastmed.explaining import draw_heatmaps

    draw_heatmaps(story.run, split=story.part, count=count, device=device)


def _write_comparison(
    runs: Sequence[Place], split: str | None, out: str | Path | None, given: Sequence[object]
) -> Path:
    if any(one is not None for one in given):
        raise RunError(
            "checklists, answers and heat maps are of one run; report each run on its own for them"
        )
    paths = [one if isinstance(one, str | Path) else one.path for one in runs]
    folder = Path(out) if out is not None else Path("comparison-report")
    check_place(folder, {PAGE, MACHINE}, "a report")
    page, machine = page_and_json(paths, split)
    with whole_folder(folder) as place:
        write_text(place / PAGE, page)
        write_json(place / MACHINE, machine)
    return folder / PAGE
