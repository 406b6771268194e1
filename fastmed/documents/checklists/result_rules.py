"""What a card says to items about predictions and results, as `data_rules` does."""

from collections.abc import Mapping
from typing import Any

from fastmed.documents.checklists.item import Card, Known, NotApplicable, Partly, Said
from fastmed.documents.limits import tested

_SETS = "/results/sets"


def predictions(card: Card) -> Said:
    """How predictions are computed."""
    told = card["decision"]
    views = ", ".join(told["views"])
    line = f"mean over the views {views}; {_calibrated(card)}; {told['rule']}"
    return Known("/decision", line)


def _calibrated(card: Card) -> str:
    told = card["decision"]
    if card["family"]:
        return "each run calibrated on its validation part"
    if told["calibration"] and told["calibration"]["temperature"]:
        return f"temperature {told['calibration']['temperature']:.3g}, fitted on valid"
    if told["scale"] is not None:
        return "probabilities of grades by a scale that was fitted on valid"
    return "probabilities as the network gives them"


def thresholds(card: Card) -> Said:
    """Cut-offs and how they were found."""
    told = card["decision"]
    points = [f"{one['class']}: {one['rule']}" for one in told["operating_points"]]
    line = told["rule"]
    if told["cut_points"]:
        shown = ", ".join(f"{point:.3g}" for point in told["cut_points"])
        line += f" ({shown})"
    found = f"; thresholds by rule: {', '.join(points)}" if points else ""
    return Known("/decision", f"{line}{found}; fitted on valid alone")


def not_updated(card: Card) -> Said:
    """Nothing is fitted on data that the model is evaluated on."""
    return NotApplicable("the model is evaluated as it was trained, and not changed afterwards")


def metrics(card: Card) -> Said:
    """Which measures were computed."""
    sets = card["results"]["sets"]
    name = _best_set(card)
    if name is None:
        return None
    scores = ", ".join(
        key for key, value in (sets[name]["overall"] or {}).items() if value is not None
    )
    return Known(f"{_SETS}/{name}/overall", f"{scores}; and each class against the rest")


def uncertainty(card: Card) -> Said:
    """How uncertainty was measured."""
    name = _best_set(card)
    if name is None or not card["results"]["sets"][name]["intervals"]:
        return None
    told = card["results"]["sets"][name]["intervals"]
    level, resamples = told.get("level"), told.get("resamples")
    how = f", {resamples} resamples of the patients" if resamples else ""
    shown = f"{level:.0%} intervals" if isinstance(level, float) else "intervals"
    return Known(f"{_SETS}/{name}/intervals", f"{shown} of every score{how}")


def accuracy_methods(card: Card) -> Said:
    """Measures and their uncertainty."""
    measures, spread = metrics(card), uncertainty(card)
    if not isinstance(measures, Known):
        return None
    if not isinstance(spread, Known):
        return Partly(measures.pointer, f"{measures.line}; without intervals")
    return Known(spread.pointer, f"{measures.line}; {spread.line}")


def _best_set(card: Card) -> str | None:
    """Return the set whose scores are most to be believed."""
    sets = card["results"]["sets"]
    return (
        "test"
        if "test" in sets
        else next((name for name in sets if name != "valid"), None) or ("valid" if sets else None)
    )


def tested_inside(card: Card) -> Said:
    """Scores on a held-out part of the same data."""
    pointer = tested(card)
    if pointer is None:
        return None
    sets = card["results"]["sets"]
    if "test" not in sets:
        return Known(pointer, "each image tested once, by a network that never saw it (folds)")
    uses = sets["test"]["test_uses"]
    often = f"; its images had judged {uses} times" if uses else ""
    return Known(pointer, f"{sets['test']['n']} images of the test part{often}")


def tested_outside(card: Card) -> Said:
    """Scores on data from elsewhere."""
    names = [name for name in card["results"]["sets"] if name.startswith("external-")]
    if not names:
        return None
    counts = [card["results"]["sets"][name]["n"] for name in names]
    line = f"{len(names)} other labelled sets were evaluated ({', '.join(map(str, counts))} images)"
    return Partly(f"{_SETS}/{names[0]}", line)


def differs_outside(card: Card) -> Said:
    """How external data differ; nothing to say without any."""
    return tested_outside(card) or NotApplicable("no other labelled set was evaluated")


def performance(card: Card) -> Said:
    """Scores of the test part, with intervals."""
    pointer = tested(card)
    if pointer is None:
        told = "scores of the validation part alone, which are too good"
        return Partly(f"{_SETS}/valid", told) if "valid" in card["results"]["sets"] else None
    test = card["results"]["sets"].get("test")
    if test is None or not test["intervals"]:
        return Partly(pointer, "scores of the test part, without intervals")
    return Known(pointer, f"test part: {headline(test)}")


def accuracy(card: Card) -> Said:
    """Sensitivity and specificity of each class on the test part, with intervals."""
    found = performance(card)
    if not isinstance(found, Known):
        return found
    line = "sensitivity, specificity, PPV and NPV of each class, with intervals"
    return Known(f"{found.pointer}/per_class", line)


def performance_of_groups(card: Card) -> Said:
    """Scores of the test part with intervals, and of subgroups."""
    found = performance(card)
    test = card["results"]["sets"].get("test")
    if isinstance(found, Known) and not (test and test["subgroups"]):
        return Partly(found.pointer, f"{found.line}; no subgroup was looked at")
    return found


def headline(scores: Mapping[str, Any]) -> str:
    """Return the scores that say most of a set, with intervals; F1 alone says too little."""
    told = [
        f"{name} {scores['overall'][name]:.3f}{_limits(scores, name)}"
        for name in ("auroc", "balanced_accuracy", "kappa")
        if (scores["overall"] or {}).get(name) is not None
    ]
    return ", ".join(told)


def _limits(scores: Mapping[str, Any], name: str) -> str:
    limits = ((scores["intervals"] or {}).get("overall") or {}).get(name)
    if not limits or None in limits:
        return ""
    return f" ({limits[0]:z.3f} to {limits[1]:z.3f})"


def cross_table(card: Card) -> Said:
    """True against predicted classes."""
    test = card["results"]["sets"].get("test")
    if test is None or not test["confusion"]:
        return None
    return Known(f"{_SETS}/test/confusion", f"{test['n']} images, true classes in rows")


def failures(card: Card) -> Said:
    """Which classes are taken for which; which images, and why, is the user's."""
    name = _best_set(card)
    if name is None or not card["results"]["sets"][name]["confusion"]:
        return None
    return Partly(f"{_SETS}/{name}/confusion", "which class is taken for which, and how often")


def groups(card: Card) -> Said:
    """Scores of subgroups, where they were computed."""
    for name, one in card["results"]["sets"].items():
        if one["subgroups"]:
            return Partly(f"{_SETS}/{name}/subgroups", "scores of subgroups")
    return None


def kept_outputs(card: Card) -> Said:
    """Whether outputs are stored and can be looked into."""
    if not card["results"]["sets"]:
        return None
    return Known(_SETS, "the prediction of each image of these sets is kept as a table in the run")


def limits(card: Card) -> Said:
    """Limits that the run shows by itself."""
    found = card["limits"]
    if not found:
        return None
    names = ", ".join(dict.fromkeys(one["id"] for one in found))
    return Partly("/limits", f"found by itself: {names}")
