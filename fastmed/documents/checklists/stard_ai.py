"""STARD-AI: reporting of diagnostic accuracy studies of AI, 2025."""

from fastmed.documents.checklists import data_rules as data
from fastmed.documents.checklists import model_rules as model
from fastmed.documents.checklists import result_rules as result
from fastmed.documents.checklists.item import Checklist, Row, items_of

_SECTIONS: dict[str, tuple[Row, ...]] = {
    "Title and abstract": (
        ("1", "a study of accuracy of AI, with a measure", model.kind, "title"),
        ("2", "structured summary", None, "abstract"),
    ),
    "Introduction": (
        ("3", "background, use, and place in the workflow", None, "background", "intended_use"),
        ("4", "aims and hypotheses", None, "objectives"),
    ),
    "Methods: design and ethics": (
        ("5", "prospective or retrospective", None, "study_design"),
        ("6", "approval by an ethics committee", None, "ethics"),
    ),
    "Methods: participants": (
        ("7", "eligibility of people and of images, in order", data.flow_known, "eligibility"),
        ("8", "how candidates were identified", None, "recruitment"),
        ("9", "where and when", None, "setting", "collection_dates"),
        ("10", "consecutive, random or convenience series", None, "sampling"),
    ),
    "Methods: dataset": (
        ("11", "source of the data, and why they were collected", data.sources, "data_sources"),
        ("12", "who labelled, and how", None, "annotators"),
        ("13", "devices and software", model.software_known, "acquisition"),
        ("14", "acquisition and preparation", data.preparation_known, "acquisition"),
    ),
    "Methods: test methods": (
        ("15a", "the model, so that others could run it", model.index_test),
        ("15b", "how it was developed, with sample sizes", model.development),
        ("15c", "thresholds, and whether they were fixed before", result.thresholds),
        ("15d", "who is to use it, and what they must be able to", None, "intended_users",
         "user_expertise"),
        ("16a", "the reference, so that others could do it", data.classes, "reference_standard"),
        ("16b", "why this reference", None, "reference_rationale"),
        ("16c", "thresholds of the reference", None, "reference_cutoffs"),
        ("17a", "what the model knew", model.seen_by_model),
        ("17b", "what those who made the reference knew", None, "blinding"),
    ),
    "Methods: analysis": (
        ("18", "how accuracy was estimated", result.accuracy_methods),
        ("19", "unclear results of model or reference", None, "indeterminate"),
        ("20", "missing data", data.missing),
        ("21", "differences in accuracy, planned or explored", result.groups, "heterogeneity"),
        ("22", "planned size of the study", data.sizes_known, "sample_size"),
        ("23", "analysis of errors, bias and fairness", result.failures, "failure_analysis",
         "fairness"),
    ),
    "Results: participants and dataset": (
        ("24", "flow of people", data.flow, "flow"),
        ("25", "people, findings and techniques of each part", data.characteristics,
         "characteristics"),
        ("26a", "severity in those who have the disease", data.severity, "severity"),
        ("26b", "other diagnoses in those who do not", data.classes, "alternative_diagnoses"),
        ("27", "time between model and reference", None, "time_interval"),
        ("28", "whether the mix is that of the place of use", data.classes, "representativeness"),
        ("29", "how external data differ", result.differs_outside, "external_data"),
    ),
    "Results: test results": (
        ("30", "table of model against reference", result.cross_table),
        ("31", "accuracy and its precision", result.accuracy),
        ("32", "harm done", None, "adverse_events"),
    ),
    "Discussion": (
        ("33", "limitations", result.limits, "limitations"),
        ("34", "implications for practice", None, "implications"),
        ("35", "ethics and fairness of its use", None, "ethical_considerations"),
    ),
    "Other information": (
        ("36", "registration", None, "registration"),
        ("37", "protocol", None, "protocol"),
        ("38", "funding", None, "funding"),
        ("39", "commercial interests", None, "conflicts"),
        ("40a", "where data and code are", None, "data_availability", "code_availability"),
        ("40b", "whether outputs are kept and can be audited", result.kept_outputs),
    ),
}  # fmt: skip

STARD_AI = Checklist(
    name="stard-ai",
    title="STARD-AI: Standards for Reporting of Diagnostic Accuracy Studies, Artificial "
    "Intelligence",
    edition="2025",
    source="Sounderajah V, Guni A, Liu X, et al. The STARD-AI reporting guideline for diagnostic "
    "accuracy studies using artificial intelligence. Nature Medicine 2025;31:3283-3289",
    doi="10.1038/s41591-025-03953-8",
    counting="40 items with 48 sub-items: 30 sub-items of STARD 2015, 4 changed ones, 14 new ones",
    items=items_of(_SECTIONS),
)
