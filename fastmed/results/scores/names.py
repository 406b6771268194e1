"""The names of scores, and how people write them."""

# Score -> how people write it, in the order of tables.
LABELS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "ECE",
    "expected_cost": "expected cost",
    "kappa": "quadratic weighted kappa",
    "mae": "mean absolute error (grades)",
    "within_one": "at most one grade off",
    "off_by_two": "two or more grades off",
    "rps": "ranked probability score",
    "n": "n",
    "prevalence": "prevalence",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "ppv_deployed": "PPV elsewhere",
    "npv_deployed": "NPV elsewhere",
    "lr_positive": "LR+",
    "lr_negative": "LR-",
    "f1": "F1",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
    "net_benefit": "net benefit",
    "net_benefit_all": "net benefit of treating all",
}
PER_CLASS = (
    "n", "prevalence", "sensitivity", "specificity", "ppv", "npv", "ppv_deployed", "npv_deployed",
    "lr_positive", "lr_negative", "f1", "auroc", "average_precision", "calibration_slope",
    "calibration_intercept", "ece", "net_benefit", "net_benefit_all",
)  # fmt: skip
# What tables of several runs show; files hold every score.
HEADLINES = (
    "accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss", "brier", "kappa", "mae",
    "within_one",
)  # fmt: skip
# Scores of cases and of others, each for itself, whose frequency has no part in them.
GIVEN_OUTCOMES = (
    "sensitivity", "specificity", "balanced_accuracy", "lr_positive", "lr_negative",
    "ppv_deployed", "npv_deployed", "auroc",
)  # fmt: skip
LESS_IS_BETTER = (
    "log_loss", "brier", "ece", "expected_cost", "mae", "off_by_two", "rps", "lr_negative",
)  # fmt: skip

OVERALL = "overall"
OF_CLASSES = "per_class"
Address = tuple[str, ...]  # ("overall", SCORE), ("per_class", CLASS, SCORE), ("referable", SCORE)


def label(address: Address) -> str:
    """Return how people write the score of an address."""
    return LABELS.get(address[-1], address[-1])


def class_of(address: Address) -> str:
    """Return the class that the score of an address is of; empty for all together."""
    return "" if address[0] == OVERALL else address[-2]
