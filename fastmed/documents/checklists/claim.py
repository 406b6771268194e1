"""CLAIM: the Checklist for Artificial Intelligence in Medical Imaging, 2024 update."""

from fastmed.documents.checklists import data_rules as data
from fastmed.documents.checklists import model_rules as model
from fastmed.documents.checklists import result_rules as result
from fastmed.documents.checklists.item import Checklist, Row, items_of

_SECTIONS: dict[str, tuple[Row, ...]] = {
    "Title and abstract": (
        ("1", "the kind of AI method is named in the title", model.kind, "title"),
        ("2", "structured summary", None, "abstract"),
    ),
    "Introduction": (
        ("3", "background, use and role of the model", None, "background", "intended_use"),
        ("4", "aims and hypotheses", None, "objectives"),
    ),
    "Methods: study design": (
        ("5", "prospective or retrospective", None, "study_design"),
        ("6", "goal of the study", model.goal, "study_goal"),
    ),
    "Methods: data": (
        ("7", "where the data come from", data.sources, "data_sources"),
        ("8", "who and what was included and excluded", data.flow_known, "eligibility"),
        ("9", "preparation of the images", data.preparation),
        ("10", "choice of subsets of the data", data.flow_known, "data_subsets"),
        ("11", "de-identification", None, "deidentification"),
        ("12", "missing data", data.missing),
        ("13", "how images were acquired", data.characteristics, "acquisition"),
    ),
    "Methods: reference standard": (
        ("14", "how the reference was obtained", data.classes, "reference_standard"),
        ("15", "why this reference", None, "reference_rationale"),
        ("16", "who labelled", None, "annotators"),
        ("17", "how the test part was labelled", None, "test_annotation"),
        ("18", "agreement of readers", None, "rater_variability"),
    ),
    "Methods: data partitions": (
        ("19", "how images were shared out to parts", data.partitions),
        ("20", "level at which the parts are disjoint", data.disjoint, "patients_apart"),
    ),
    "Methods: testing data": (
        ("21", "planned size of the test part", data.sizes_known, "sample_size"),
    ),
    "Methods: model": (
        ("22", "description of the model", model.network),
        ("23", "software and its versions", model.software),
        ("24", "weights before the training", model.initialization),
    ),
    "Methods: training": (
        ("25", "how the model was trained", model.training),
        ("26", "how the final model was chosen", model.selection),
        ("27", "how networks were combined, if any were", model.ensemble),
    ),
    "Methods: evaluation": (
        ("28", "measures of performance", result.metrics),
        ("29", "measures of uncertainty", result.uncertainty),
        ("30", "robustness or sensitivity", result.groups, "robustness"),
        ("31", "explanations, and how they were checked", None, "explainability"),
        ("32", "evaluation on data of the same source", result.tested_inside),
        ("33", "test on data from elsewhere", result.tested_outside, "external_data"),
        ("34", "registration of a trial", None, "registration"),
    ),
    "Results: data": (
        ("35", "numbers included and excluded", data.flow, "flow"),
        ("36", "people and findings in each part", data.characteristics, "characteristics"),
    ),
    "Results: model performance": (
        ("37", "performance with its uncertainty", result.performance),
        ("38", "diagnostic accuracy and its precision", result.accuracy),
        ("39", "analysis of wrong cases", result.failures, "failure_analysis"),
    ),
    "Discussion": (
        ("40", "limitations", result.limits, "limitations"),
        ("41", "implications for practice", None, "implications"),
    ),
    "Other information": (
        ("42", "protocol, or where more is told", None, "protocol"),
        ("43", "where software, model and data are", None, "data_availability",
         "code_availability"),
        ("44", "funding", None, "funding"),
    ),
}  # fmt: skip

CLAIM = Checklist(
    name="claim",
    title="CLAIM: Checklist for Artificial Intelligence in Medical Imaging",
    edition="2024 update",
    source="Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in "
    "Medical Imaging (CLAIM): 2024 Update. Radiology: Artificial Intelligence 2024;6(4):e240300",
    doi="10.1148/ryai.240300",
    counting="44 items",
    items=items_of(_SECTIONS),
)
