"""The sections of a report, in the order in which a reader asks.

A section is a function from a story to a block of the page, or to None where there is nothing to
tell. To add one, write it and name it here.
"""

from collections.abc import Callable

from fastmed.page.document import Section
from fastmed.reporting.sections.audit import audit
from fastmed.reporting.sections.calibration import calibration
from fastmed.reporting.sections.checklists import checklists
from fastmed.reporting.sections.data import data
from fastmed.reporting.sections.errors import errors
from fastmed.reporting.sections.family import family
from fastmed.reporting.sections.heatmaps import heatmaps
from fastmed.reporting.sections.limits import limits
from fastmed.reporting.sections.performance import performance
from fastmed.reporting.sections.provenance import provenance
from fastmed.reporting.sections.subgroups import subgroups
from fastmed.reporting.sections.training import training
from fastmed.reporting.sections.verdict import verdict
from fastmed.reporting.story import Story

SECTIONS: tuple[Callable[[Story], Section | None], ...] = (
    verdict, data, audit, training, family, performance, calibration, subgroups, errors, heatmaps,
    limits, checklists, provenance,
)  # fmt: skip


def sections_of(story: Story) -> list[Section]:
    """Return the sections of a report that have something to tell."""
    return [section for tell in SECTIONS if (section := tell(story)) is not None]
