"""What a client report says in sentences."""

from collections.abc import Iterator

from fastmed.clients.findings import Finding
from fastmed.clients.model import Model
from fastmed.reporting.sections.verdict import first_large
from fastmed.reporting.words import count, listed_words, percent, plain_number
from fastmed.results.deciding.operating_points import OperatingPoint

HEATMAPS = (
    "Left the image as the network sees it, right in grey under its heat map. A heat map shows "
    "what the network used, not where disease is."
)


def finding_sentences(finding: Finding, model: Model, images: int) -> Iterator[str]:
    """Yield what was found, most important first."""
    yield _says(finding, model, images)
    yield from _single(finding, model, images)
    likeliest = max(finding.probabilities, key=lambda name: finding.probabilities[name])
    if likeliest != finding.predicted:
        chance = percent(finding.probabilities[likeliest])
        yield (
            f"The most probable class is {likeliest} ({chance}): "
            f"the decision follows {_decider(model)}, which need not be the highest probability."
        )
    if finding.flagged is not None and model.point is not None:
        told = "is flagged" if images == 1 and finding.flagged else "is not flagged"
        if images > 1:
            told = f"{finding.flagged} of {images} images are flagged"
        yield f"{'It ' if images == 1 else ''}{told}: {threshold(model.point)}."


def _says(finding: Finding, model: Model, images: int) -> str:
    chance = percent(finding.probabilities[finding.predicted])
    one = images == 1
    if model.task.goal == "grade":
        return _graded(finding, model, images)
    if one:
        return f"The network says {finding.predicted}, with a probability of {chance}."
    return (
        f"Taken together, the {images} images say {finding.predicted}, with a mean probability of "
        f"{chance}."
    )


def _graded(finding: Finding, model: Model, images: int) -> str:
    classes = model.task.classes
    grade = classes.index(finding.predicted)
    value = "-" if finding.value is None else plain_number(finding.value)
    scale = f"on a scale from 0 ({classes[0]}) to {len(classes) - 1} ({classes[-1]})"
    start = "The network grades" if images == 1 else f"Taken together, the {images} images are"
    kind = "value" if images == 1 else "mean value"
    return (
        f"{start} {grade}, {finding.predicted}: a {kind} of {value} {scale}, which cut points, "
        "fitted on the validation part, turn into the grade."
    )


def _single(finding: Finding, model: Model, images: int) -> Iterator[str]:
    """Yield what single images say, where there are several."""
    if images == 1:
        return
    seen = [f"{name} in {number}" for name, number in finding.counts.items() if number]
    yield f"One by one: {listed_words(seen)}."
    if finding.highest_value is not None:
        top = finding.highest_value
        yield f"The highest value is {plain_number(top.probability)}, of {top.image}."


def _decider(model: Model) -> str:
    if model.point is not None:
        return "the operating point"
    if model.task.goal == "grade":
        return "the cut points of grades"
    return "the network, whose training was balanced"


def threshold(point: OperatingPoint) -> str:
    """Return what flags an image, and what that did on the validation part."""
    rule, found = point.rule, f"found {point.found} of {point.positives}"
    return (
        f"the probability of {rule.positive} has to reach {percent(point.threshold)} "
        f"({rule.text}), which {found} such images of the validation part and cleared "
        f"{point.cleared} of {point.negatives} others"
    )


def meaning(model: Model) -> str:
    """Return what the probabilities mean."""
    if not model.calibrated:
        return (
            "The probabilities are the network's own and were not calibrated: of images with 80%, "
            "far more or fewer than 80 in 100 may be of the class."
        )
    number = model.calibration_images
    fitted = f" on {count(number, 'validation image')}" if number else " on the validation part"
    if model.calibration.prevalence is not None:
        shares = zip(model.task.classes, model.calibration.prevalence, strict=True)
        told = listed_words([f"{name} {percent(float(share))}" for name, share in shares])
        return (
            f"The probabilities were calibrated{fitted} and corrected to the shares {told}: they "
            "hold where the classes are as common as that."
        )
    return (
        f"The probabilities were calibrated{fitted}: of images with 80%, about 80 in 100 should be "
        "of the class, where classes are as common and images as there."
    )


def unread(unreadable: list[tuple[str, str]]) -> str:
    """Return that images could not be read, and why the first of them."""
    name, reason = unreadable[0]
    more = f"; {len(unreadable) - 1} more are listed below" if len(unreadable) > 1 else ""
    return f"{count(len(unreadable), 'image')} could not be read: {name} ({reason}){more}."


def several_patients(number: int) -> str:
    """Return that images of several patients lie in one client's folder."""
    return (
        f"These images name {number} different patients. What they say together is of no one: "
        "look at where they come from."
    )


def strange(images: list[tuple[str, str]], of: int) -> str:
    """Return which images are unlike the training images, and in what."""
    told = "; ".join(f"{name} ({reason})" for name, reason in images[:2])
    more = f"; {len(images) - 2} more" if len(images) > 2 else ""
    subject = "The image is" if of == 1 else f"{len(images)} of {of} images are"
    return f"{subject} unlike those that the network was trained on: {told}{more}."


def left(number: int, of: int) -> str:
    """Return that images are too uncertain to be decided."""
    subject = "The image is" if of == 1 else f"{number} of {of} images are"
    return first_large(f"{subject} left to a reader: the network is too uncertain.")
