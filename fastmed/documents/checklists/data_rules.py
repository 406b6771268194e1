"""What a card says to items about data: one small function for each question.

`Known` only where the card holds the whole answer. Where the run knows a part of it, `Partly` says
which, and the rest is left to the user.
"""

from collections.abc import Mapping
from typing import Any

from fastmed.auditing.words import many
from fastmed.documents.checklists.item import Card, Known, Partly, Said, partly
from fastmed.documents.limits import tested

_SETS = "/results/sets"


def _count(amount: Mapping[str, Any]) -> str:
    patients = amount["patients"]
    images = f"{amount['images']} images"
    return images if patients is None else f"{images} of {patients} patients"


def parts_told(card: Card) -> str:
    """Return how many images and patients each part has, in words."""
    parts = card["data"]["flow"]["parts"]
    return ", ".join(f"{name} {_count(amount)}" for name, amount in parts.items())


def _knows_patients(card: Card) -> bool:
    return bool(card["data"]["patients"]["known"] != "none")


def flow(card: Card) -> Said:
    """Numbers included and excluded."""
    told = card["data"]["flow"]
    out = told["left_out"]
    why = "; ".join(f"{one['reason']}: {one['images']}" for one in out["reasons"])
    line = f"in the data set {_count(told['found'])}; left out {out['images']}" + (
        f" ({why})" if why else ""
    )
    line = f"{line}; {parts_told(card)}"
    return (Known if _knows_patients(card) else Partly)("/data/flow", line)


def sizes(card: Card) -> Said:
    """How many took part in each analysis, by class."""
    line = parts_told(card)
    return (Known if _knows_patients(card) else Partly)("/data/classes", line)


def partitions(card: Card) -> Said:
    """How images were assigned to parts."""
    return Known("/data/split", f"{card['data']['split']['sentence']} {parts_told(card)}.")


def disjoint(card: Card) -> Said:
    """At which level the parts are disjoint."""
    patients, level = card["data"]["patients"], card["data"]["split"]["level"]
    if patients["known"] == "none":
        line = "identical images stay on one side; nothing is known about patients"
        return Partly("/data/patients", line)
    shared = patients["in_several_parts"]
    return Known("/data/split/level", f"{level}; patients in several parts: {shared}")


def missing(card: Card) -> Said:
    """How missing images, labels and metadata were dealt with."""
    reasons = card["data"]["flow"]["left_out"]["reasons"]
    lost = [one for one in reasons if one["reason"] in ("no file", "can't be read")]
    told = ", ".join(f"{one['images']} ({one['reason']})" for one in lost) or "none"
    inputs = [name for name, one in card["data"]["metadata"].items() if one["input"]]
    meta = f"; missing {' and '.join(inputs)} are an input of their own" if inputs else ""
    line = f"images without a readable file were left out: {told}; nothing was filled in{meta}"
    return Known("/data/flow/left_out", line)


def preparation(card: Card) -> Said:
    """Every step from a file to the network's input."""
    settings = card["preparation"]["settings"]
    steps = ", ".join(one["name"] for one in settings["operations"]) or "no operation"
    size = f"{settings['fit']} to {settings['size']} pixels"
    line = f"from the file on: {steps}; {size}; normalised by mean and sd"
    return Known("/preparation", line)


def data_preparation(card: Card) -> Said:
    """Preparation and quality checks, the same for every group."""
    steps = preparation(card)
    assert isinstance(steps, Known)
    line = f"{steps.line}; the same for every image"
    if card["audit"]["state"] == "not audited":
        return Partly("/preparation", f"{line}; the data were not audited")
    errors = many(card["audit"]["errors"], "error")
    warnings = many(card["audit"]["warnings"], "warning")
    audited = f"{card['audit']['state']} of the audit: {errors}, {warnings}"
    return Known("/audit", f"{line}; {audited}")


def characteristics(card: Card) -> Said:
    """Age, sex and other metadata of each part, as far as they are known."""
    names = list(card["data"]["metadata"])
    if not names:
        return None
    return Partly("/data/metadata", f"by part: {', '.join(names)}")


def compared_parts(card: Card) -> Said:
    """How the test part differs from the training part in inputs, people and classes."""
    told = card["data"]["metadata"]
    known = [
        name
        for name in ("age", "sex")
        if {"train", "test"} <= {*told.get(name, {}).get("parts", {})}
    ]
    if "test" not in card["data"]["flow"]["parts"]:
        return None
    if len(known) < 2:
        return Partly("/data/classes", "classes by part; not age and sex")
    return Known("/data/metadata", "age, sex and classes of the training and the test part")


def same_source(card: Card) -> Said:
    """How training and evaluation data differ: not, where the test part was drawn from the same."""
    split = card["data"]["split"]
    if any(name.startswith("external-") for name in card["results"]["sets"]):
        return Partly(_SETS, "another labelled set was evaluated")
    if tested(card) and (split["folds"] or "test" in (split["drawn"] or ())):
        return Known("/data/split", "not at all: the test part was drawn from the same data set")
    return None


def imbalance(card: Card) -> Said:
    """What was done about rare classes, and about its effect on probabilities."""
    method = card["data"]["balance"]["settings"]["method"]
    if method == "none":
        return Known("/data/balance", "nothing: classes were trained on as they are")
    calibration = card["decision"]["calibration"]
    corrected = bool(calibration and calibration["weights"])
    after = "taken back in the probabilities" if corrected else "not taken back in probabilities"
    return Known("/data/balance", f"training balanced by {method}, {after}")


def severity(card: Card) -> Said:
    """How severe the disease is in those who have it: for grades, how often each grade is."""
    if card["task"]["goal"] != "grade":
        return None
    found = {name: one["found"]["images"] for name, one in card["data"]["classes"].items()}
    line = ", ".join(f"{name} {count}" for name, count in found.items())
    return Known("/data/classes", f"images of each grade: {line}")


def classes(card: Card) -> Said:
    """Which classes there are, and how common they are; what they mean is the user's."""
    found = {name: one["found"]["images"] for name, one in card["data"]["classes"].items()}
    return Partly("/data/classes", ", ".join(f"{name} {count}" for name, count in found.items()))


def sources(card: Card) -> Said:
    """Where the task says that its data come from."""
    declared = card["data"]["declared_source"]
    if not declared:
        return None
    return Partly("/data/declared_source", f"the task is made for {' and '.join(declared)}")


flow_known, sizes_known, preparation_known = partly(flow), partly(sizes), partly(preparation)
