"""Limits that a card finds by itself; what only people can know of is not among them."""

from collections.abc import Callable, Iterator
from typing import Any

from fastmed.documents.model_section import TRAINED_ELSEWHERE
from fastmed.documents.results_section import FAST_CHECKS, NOT_AUDITED

Card = dict[str, Any]
FEW = 30  # patients of a class, below which its scores say little
_ABOUT_DATA = "/data/patients"
_SETS = "/results/sets"


def limits_of(card: Card) -> list[dict[str, str]]:
    """Return the limits that a card shows: id, sentence, and a pointer to what it is about."""
    found = [limit for check in CHECKS for limit in check(card)]
    return [
        {"id": name, "sentence": sentence, "about": pointer} for name, sentence, pointer in found
    ]


Limit = tuple[str, str, str]


def _of_patients(card: Card) -> Iterator[Limit]:
    patients = card["data"]["patients"]
    if patients["known"] == "none":
        yield (
            "patients-unknown",
            "Nothing is known about patients: one patient may stand in several parts, and images "
            "are counted as if each were of another one.",
            _ABOUT_DATA,
        )
    elif patients["known"] == "some":
        count = patients["images_without"]
        told = f"The patient of {count} images is unknown; each counts as one of its own."
        yield "patients-partly-unknown", told, _ABOUT_DATA
    if patients["by"] == "a pattern in the file name":
        told = "Patients are guessed by a pattern in the file name."
        yield "patients-guessed", told, _ABOUT_DATA
    if patients["in_several_parts"]:
        count = patients["in_several_parts"]
        told = f"{count} patients stand in several parts, so scores are too good."
        yield "patients-shared", told, _ABOUT_DATA


def _of_training(card: Card) -> Iterator[Limit]:
    training = card["training"]
    if training["status"] != "done":
        told = f"The training is not done (status: {training['status']})."
        yield "unfinished", told, "/training/status"
    if training["selection"]["search"]:
        told = "Settings were searched for on the validation part, whose scores are too good."
        yield "searched", told, "/training/selection/search"
    if training["settings"]["test_each_epoch"]:
        told = "Scores of the test part were shown after each epoch, though they chose nothing."
        yield "test-watched", told, "/training/settings/test_each_epoch"
    if card["network"]["start"] == TRAINED_ELSEWHERE:
        told = (
            "The network was trained elsewhere: on which images, how, and how its epoch was "
            "chosen, is not known here, and the settings of training are not its own."
        )
        yield "trained-elsewhere", told, "/network/start"
    elif card["kind"] == "run":
        told = "One training with one seed: how much of the scores is chance is unknown."
        yield "one-training", told, "/training/seeds"
    if card["family"] and card["family"]["finished"] < card["family"]["planned"]:
        done, planned = card["family"]["finished"], card["family"]["planned"]
        yield "family-unfinished", f"{done} of {planned} runs are finished.", "/family"


def _of_start(card: Card) -> Iterator[Limit]:
    if card["network"]["start"].startswith("weights of another run"):
        told = "The training began with weights whose own training data may not all be known here."
        yield "earlier-training", told, "/network/start"
    for name, one in card["data"]["metadata"].items():
        if one["input"] and one["shortcut"]:
            told = f"The network sees {name}, a known shortcut to the place of the image."
            yield "shortcut-metadata", told, f"/data/metadata/{name}"


def _of_validation(card: Card) -> Iterator[Limit]:
    few = _few(card, "valid")
    if few:
        told = f"Classes with fewer than {FEW} {few[0]} to validate on: {few[1]}."
        yield "small-valid", f"{told} Epoch, thresholds and calibration rest on them.", "/data/flow"


def _of_test(card: Card) -> Iterator[Limit]:
    sets = card["results"]["sets"]
    if not tested(card):
        told = "No test part was evaluated; scores of the validation part are too good."
        yield "no-test", told, _SETS
    few = _few(card, "test")
    if few:
        told = f"Classes with fewer than {FEW} {few[0]} to test on: {few[1]}."
        yield "few-test-patients", told, "/data/classes"
    if not any(name.startswith("external-") for name in sets):
        told = "No other labelled set was evaluated, so nothing is known about other places."
        yield "no-external", told, _SETS
    for name, one in sets.items():
        uses = one["test_uses"] or 0
        if uses > 1:
            told = f"The images of '{name}' had judged {uses} times; the best of many looks is "
            yield "test-reused", f"{told}better than the truth.", f"{_SETS}/{name}/test_uses"


def _of_scores(card: Card) -> Iterator[Limit]:
    sets = card["results"]["sets"]
    if sets and not any(one["intervals"] for one in sets.values()):
        yield "no-intervals", "The scores have no intervals.", _SETS
    if sets and not any(one["subgroups"] for one in sets.values()):
        told = "No subgroup of patients was looked at on its own."
        yield "no-subgroups", told, _SETS
    calibration = card["decision"]["calibration"]
    alone = card["kind"] == "run"
    if (
        alone
        and card["decision"]["scale"] is None
        and not (calibration and calibration["temperature"])
    ):
        told = "Probabilities are the network's own, and were not calibrated."
        yield "not-calibrated", told, "/decision/calibration"


def _of_audit(card: Card) -> Iterator[Limit]:
    audit = card["audit"]
    if audit["state"] == NOT_AUDITED:
        told = "The data were not audited for leaks, shortcuts and defects."
        yield "not-audited", told, "/audit/state"
    elif audit["state"] == FAST_CHECKS:
        told = (
            "Only the fast checks of the audit ran: no image was looked at for shortcuts or near "
        )
        yield "audited-in-part", f"{told}duplicates.", "/audit/state"
    for place, one in enumerate(audit["findings"]):
        if one["severity"] in ("ERROR", "WARN"):
            reason = f" Accepted: {one['accepted']}" if one["accepted"] else ""
            told = f"Audit {one['id']} ({one['severity']}): {one['sentence']}{reason}"
            yield f"audit-{one['id']}", told, f"/audit/findings/{place}"


def tested(card: Card) -> str | None:
    """Return the pointer to the scores of a test part; None if none was evaluated."""
    if "test" in card["results"]["sets"]:
        return f"{_SETS}/test"
    family = card["family"]
    if family and any(row["part"] == "test" for row in family["summary"]):
        return "/family/summary"
    return None


def _few(card: Card, part: str) -> tuple[str, str] | None:
    """Return the unit, and the classes of a part that have too few; None if none has."""
    known = card["data"]["patients"]["known"] != "none"
    unit = "patients" if known else "images"
    folds = part == "test" and card["data"]["split"]["folds"]
    amounts = {
        name: found["found"] if folds else found["parts"].get(part)
        for name, found in card["data"]["classes"].items()
    }
    few = [
        f"{name} ({amount[unit]})"
        for name, amount in amounts.items()
        if amount and amount[unit] < FEW
    ]
    return (unit, ", ".join(few)) if few else None


CHECKS: tuple[Callable[[Card], Iterator[Limit]], ...] = (
    _of_patients, _of_training, _of_start, _of_validation, _of_test, _of_scores, _of_audit,
)  # fmt: skip
