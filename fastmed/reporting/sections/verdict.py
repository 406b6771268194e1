"""The verdict: what the model does, how well, on which images, and what nobody knows."""

from collections.abc import Iterator

from fastmed.page.document import Section, Sheet
from fastmed.reporting.drawing import sheet
from fastmed.reporting.story import FOLDS, Story
from fastmed.reporting.words import amount, count, listed_words, percent, told
from fastmed.results.scores.names import LABELS

# Limit -> what was never tried.
UNTRIED = {
    "no-test": "images that took no part in choosing the model",
    "no-external": "images of another hospital, device or time than those of its data set",
    "no-subgroups": "groups of patients on their own, as by sex, age or device",
}
_UNKNOWABLE = (
    "This report can't tell how well readers do on the same images, nor what use of the model does "
    "to patients: neither was measured."
)


RATES = {"sensitivity": "found", "specificity": "cleared", "ppv": "right when said"}
RESEARCH = "Research use, not a medical device."


def verdict(story: Story) -> Section:
    """Return what a clinician has to know before anything else."""
    return Section("verdict", "Verdict", list(sentences(story)), tables=class_tables(story))


def sentences(story: Story) -> Iterator[str]:
    """Yield the verdict in plain words, most important first."""
    yield _does(story)
    yield how_well(story)
    if story.scores:
        yield _beside_guessing(story)
    untried = [text for name, text in UNTRIED.items() if name in story.limits]
    if untried:
        yield f"Never tested on: {'; '.join(untried)}."
    yield _UNKNOWABLE
    yield _intended(story)
    yield RESEARCH


def _does(story: Story) -> str:
    task, network = story.card["task"], story.card["network"]
    sees = listed_words(["one image" if one == "image" else one for one in network["inputs"]])
    names = listed_words(task["classes"], "or")
    if task["goal"] == "grade":
        return f"The model looks at {sees} and grades it, in ascending order: {names}."
    return f"The model looks at {sees} and says which it is ({task['title']}): {names}."


def how_well(story: Story) -> str:
    """Return how well the model did on the part, or that nobody knows."""
    if not story.scores:
        return without_scores(story)
    shown = [f"{LABELS[name]} {told(name, *story.score(name))}" for name in story.headlines]
    right, limits = story.score("accuracy")
    correct = f" it was right in {percent(right, limits)} of them." if right is not None else ""
    level = (story.scores.get("intervals") or {}).get("level")
    brackets = f" In brackets: the {level:.0%} interval." if level else " There are no intervals."
    return f"On {_images(story)}:{correct} {first_large(listed_words(shown))}.{brackets}"


def without_scores(story: Story) -> str:
    """Return why there are no scores to tell."""
    family = story.card["family"]
    if family and family["summary"]:
        return (
            "The runs of the family were scored each on its own: see how they spread, and the "
            "report of each."
        )
    return "Nothing is known about how well it does: no part has been evaluated."


def first_large(text: str) -> str:
    """Return a sentence that begins with a large letter."""
    return f"{text[:1].upper()}{text[1:]}"


def _images(story: Story) -> str:
    found = story.amounts
    if story.optimistic:
        return (
            f"{amount(found)} of the validation part, which chose the model (so this is optimistic)"
        )
    if str(story.part).startswith(FOLDS):
        return f"{amount(found)}, each judged by a model that was not trained on it"
    if story.part == "test":
        return f"{amount(found)} that took no part in training (test part)"
    return f"{amount(found)} of another labelled set ({story.label})"


def _beside_guessing(story: Story) -> str:
    """Return what a model that always says the same would reach."""
    counts = {name: one["n"] for name, one in story.scores["per_class"].items()}
    common = max(counts, key=lambda name: counts[name])
    share = counts[common] / max(sum(counts.values()), 1)
    return (
        f"Always saying '{common}' would be right in {percent(share)} of these images, with a "
        f"balanced accuracy of {percent(1 / len(counts))}."
    )


def _intended(story: Story) -> str:
    said = story.card["blanks"]["intended_use"]["answer"]
    return (
        f"Intended use, as its makers say: {said}"
        if said
        else ("Its makers have not said what it is meant for (intended_use in card.toml).")
    )


def class_tables(story: Story) -> list[Sheet]:
    """Return how often each class was found, cleared and right when said."""
    if not story.scores:
        return []
    level = (story.scores.get("intervals") or {}).get("level")
    known = story.knows_patients
    columns = ["class", "images", *(["patients"] if known else []), *RATES.values()]
    rows = []
    for name, one in story.scores["per_class"].items():
        shares = [percent(*story.class_score(name, rate)) for rate in RATES]
        rows.append([name, one["n"], *([one.get("patients")] if known else []), *shares])
    with_level = f", with {level:.0%} intervals" if level else ""
    caption = (
        f"Each class against the rest{with_level}. Found: sensitivity; cleared, of the other "
        "images: specificity; right when said: positive predictive value, which holds "
        "only where classes are as common as here."
    )
    return [sheet("verdict", columns, rows, caption)]


def optimism(story: Story) -> str | None:
    """Return the warning of a part that chose the model; None for any other."""
    if not story.optimistic:
        return None
    told_of = count(story.scores.get("n"), "image")
    tested = "no test part was evaluated" if "no-test" in story.limits else "a test part exists"
    return (
        f"The scores are of the validation part ({told_of}), which chose the epoch and on which "
        f"thresholds and calibration were fitted: they are optimistic; {tested}."
    )
