"""What no run can know: the blanks of a card, which its user fills in."""

# Key in card.toml -> what to write. Checklists refer to them by these keys.
BLANKS: dict[str, str] = {
    # The study
    "title": "the title of the study, with the kind of method, the target and a measure",
    "abstract": "a structured summary: design, data, methods, results, conclusions",
    "background": "what is known, what present practice lacks, and the part the model is to play",
    "objectives": "aims and hypotheses, and whether a model is developed, evaluated, or both",
    "study_design": "whether data were collected after (prospective) or before (retrospective) "
    "the study was planned",
    "study_goal": "the goal: a new model, feasibility, non-inferiority, ...",
    "sample_size": "how the number of cases was decided on, and why it is enough",
    # Use
    "intended_use": "for whom, where in care, and for which decision the model is meant",
    "intended_users": "who uses it",
    "user_expertise": "what users have to do with input and output, and what they must be able to",
    "out_of_scope": "uses that the model is not for",
    "poor_input": "what users do when an image is poor or missing",
    "contact": "whom to tell of a problem",
    # Data
    "data_sources": "where each data set comes from, and whether it was collected for this study",
    "collection_dates": "from when to when images were taken",
    "setting": "kind and number of hospitals or practices, and where",
    "eligibility": "who and which images were included and excluded, in order",
    "recruitment": "how candidates were identified: symptoms, earlier results, a registry, ...",
    "sampling": "whether they are a consecutive, random or convenience series",
    "data_subsets": "what part of each examination was taken, and by whom",
    "flow": "numbers of patients or examinations included and excluded, before this data set too",
    "patients_apart": "whether images of one patient stand in several parts",
    "quality_checks": "how the quality of the data was checked, and whether alike for all groups",
    "acquisition": "devices (maker, model) and protocol of the images",
    "deidentification": "how images and labels were made anonymous",
    "characteristics": "age, sex and clinical findings in each part, and differences between them",
    "severity": "how severe the disease was in those who have it",
    "alternative_diagnoses": "what those without the disease had instead",
    "representativeness": "whether the mix of cases is that of the place of use",
    "health_inequalities": "known differences in health between groups of people",
    "treatments": "treatments that patients had, and how that was dealt with",
    "time_interval": "time, and treatment, between image and reference",
    # Reference standard
    "reference_standard": "how the true class was found, so that others could do it",
    "reference_rationale": "why this reference, if there are others",
    "reference_cutoffs": "where the reference draws lines between classes, and why",
    "annotators": "who labelled: number, profession, experience, training",
    "test_annotation": "how the test part was labelled: instructions, software, number of readers",
    "rater_variability": "how far readers agreed with each other and with themselves, and how "
    "differences were settled",
    "blinding": "what those who labelled knew of other findings and of the model's output",
    "indeterminate": "what was done with images whose true class was unclear",
    # Model
    "predictors": "why these inputs beside the image, and who read them off",
    "model_rationale": "why this kind of model, and what else was tried",
    # Results
    "external_data": "what other data the model was tested on and how they differ, or why none",
    "robustness": "how scores change with noise, devices, thresholds, seeds",
    "explainability": "how decisions were looked into, and how that was checked",
    "failure_analysis": "which images go wrong, with examples, and why",
    "heterogeneity": "how scores differ between hospitals, devices and groups, planned or not",
    "subgroups": "scores of groups of patients, with intervals",
    "fairness": "how differences between groups of people were looked for and dealt with",
    "adverse_events": "harm done by the test or by the reference",
    # Discussion
    "interpretation": "what the results mean beside those of other studies",
    "limitations": "what limits the study: bias, uncertainty, other places",
    "implications": "what follows for practice",
    "next_steps": "what is to be studied next",
    # About the study
    "ethics": "the committee that approved it and consent, or why none was needed",
    "ethical_considerations": "what is to be weighed when the model is used",
    "registration": "the registry and number, or that there is none",
    "protocol": "where the protocol is, or that there is none",
    "funding": "who paid, and what say they had",
    "conflicts": "interests of the authors, commercial ones too",
    "patient_involvement": "how patients and the public took part, or that they did not",
    "data_availability": "where the data are, and on which terms",
    "code_availability": "where code and trained model are, and on which terms",
}
NOTICE = (
    "For research. This model is not a medical device: it has not been approved for the care of "
    "patients, and its output must not decide on their treatment."
)
