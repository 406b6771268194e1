"""TRIPOD+AI: reporting of prediction models, 2024."""

from fastmed.documents.checklists import data_rules as data
from fastmed.documents.checklists import model_rules as model
from fastmed.documents.checklists import result_rules as result
from fastmed.documents.checklists.item import Checklist, Row, items_of

_SECTIONS: dict[str, tuple[Row, ...]] = {
    "Title": (("1", "a prediction model, its target and its people", model.goal, "title"),),
    "Abstract": (("2", "summary, by the list for abstracts", None, "abstract"),),
    "Introduction": (
        ("3a", "context in care, why a model, other models", None, "background"),
        ("3b", "for whom, for what and for which users", None, "intended_use", "intended_users"),
        ("3c", "known inequalities of health", None, "health_inequalities"),
        ("4", "aims: development, evaluation or both", None, "objectives"),
    ),
    "Methods": (
        ("5a", "sources of the data, and whom they stand for", data.sources, "data_sources",
         "representativeness"),
        ("5b", "dates of the data", None, "collection_dates"),
        ("6a", "setting and centres", None, "setting"),
        ("6b", "who was eligible", data.flow_known, "eligibility"),
        ("6c", "treatments, and how they were dealt with", None, "treatments"),
        ("7", "preparation and quality checks, alike for all groups", data.data_preparation,
         "quality_checks"),
        ("8a", "the outcome, and how and when it was found", data.classes, "reference_standard"),
        ("8b", "who judged the outcome", None, "annotators"),
        ("8c", "blinding of that judgement", None, "blinding"),
        ("9a", "choice of the inputs", model.inputs, "predictors"),
        ("9b", "what the inputs are, and how they were measured", model.inputs_known,
         "acquisition"),
        ("9c", "who judged the inputs", model.readers_of_inputs, "predictors"),
        ("10", "size of the study", data.sizes_known, "sample_size"),
        ("11", "missing data", data.missing),
        ("12a", "how data were used and parted", data.partitions),
        ("12b", "how inputs were transformed", data.preparation),
        ("12c", "kind of model, why, and how it was built", model.building, "model_rationale"),
        ("12d", "differences between clusters", None, "heterogeneity"),
        ("12e", "measures of performance", result.accuracy_methods),
        ("12f", "updates that the evaluation led to", result.not_updated),
        ("12g", "how predictions are computed", result.predictions),
        ("13", "rare classes: what was done, and undone in probabilities", data.imbalance),
        ("14", "fairness: what was done and why", None, "fairness"),
        ("15", "output of the model, and thresholds", result.thresholds),
        ("16", "how training and evaluation data differ", data.same_source, "external_data"),
        ("17", "ethics and consent", None, "ethics"),
    ),
    "Open science": (
        ("18a", "funding", None, "funding"),
        ("18b", "conflicts of interest", None, "conflicts"),
        ("18c", "protocol", None, "protocol"),
        ("18d", "registration", None, "registration"),
        ("18e", "where the data are", None, "data_availability"),
        ("18f", "where the code is", model.software_known, "code_availability"),
    ),
    "Patient and public involvement": (
        ("19", "how patients and the public took part", None, "patient_involvement"),
    ),
    "Results": (
        ("20a", "flow of people, with and without the outcome", data.flow, "flow"),
        ("20b", "who they are", data.characteristics, "characteristics"),
        ("20c", "evaluation data beside training data", data.compared_parts, "characteristics"),
        ("21", "people and outcomes in each analysis", data.sizes, "flow"),
        ("22", "the whole model, for others to use", model.whole_model, "code_availability"),
        ("23a", "performance with intervals, and of groups", result.performance_of_groups,
         "subgroups"),
        ("23b", "performance in clusters, if examined", result.groups, "heterogeneity"),
        ("24", "results of updates", result.not_updated),
    ),
    "Discussion": (
        ("25", "interpretation, fairness too", None, "interpretation"),
        ("26", "limitations", result.limits, "limitations"),
        ("27a", "what to do with poor or missing input", None, "poor_input"),
        ("27b", "what users do, and have to be able to", None, "user_expertise"),
        ("27c", "what is to be studied next", None, "next_steps"),
    ),
}  # fmt: skip

TRIPOD_AI = Checklist(
    name="tripod-ai",
    title="TRIPOD+AI: Transparent Reporting of a multivariable prediction model for Individual "
    "Prognosis Or Diagnosis",
    edition="2024",
    source="Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for "
    "reporting clinical prediction models that use regression or machine learning methods. BMJ "
    "2024;385:e078378",
    doi="10.1136/bmj-2023-078378",
    counting="27 items with 52 sub-items; the list for abstracts (item 2) is a list of its own",
    items=items_of(_SECTIONS),
)
