"""What limits a speed, said in one sentence, and what to do about it."""

from collections.abc import Mapping

from fastmed.benching.pace import Pace
from fastmed.benching.speeds import Conditions

ENOUGH = 0.9  # of the ceiling: what reaches it is limited by nothing else
DISTURBED = 1.1  # of the ceiling: what reaches that was measured beside other work
HALF = 0.5  # of the ceiling: below it, something else is what limits
LONG = 0.1  # of an epoch's time: what takes less is not told

Paces = Mapping[str, Pace]


def limits_of(paces: Paces, conditions: Conditions, keeping: float) -> tuple[str, ...]:
    """Return what limits training and prediction, and the first reading if there was one.

    Args:
        paces: images a second, by the names of `speeds.LABELS`.
        conditions: of the measurement.
        keeping: seconds an epoch for writing weights, state and history.
    """
    found = [_training(paces, conditions), _prediction(paces, conditions)]
    if "reading" in paces:
        found.append(_reading(paces, conditions))
    epoch = conditions.train * _time(paces, "training")
    epoch += conditions.valid * _time(paces, "validation")
    if conditions.share == 1 and keeping > LONG * (epoch + keeping):
        found.append(
            f"An epoch is so short that writing its weights and state, {keeping:.2f} s, takes "
            f"{keeping / (epoch + keeping):.0%} of it; a faster disk for --runs helps."
        )
    return tuple(found)


def lost_time(paces: Paces, conditions: Conditions) -> dict[str, float]:
    """Return the seconds an image that a training takes beyond its steps, by what takes them.

    The keys are ``reading``, ``augmentation`` and ``others``. While a GPU computes, the processor
    can read the next images, which then costs nothing unless it takes longer than a step.
    """
    lost = max(0.0, _time(paces, "training") - _time(paces, "step"))
    reading = _time(paces, "loader_plain" if "loader_plain" in paces else "loader")
    augmentation = max(0.0, _time(paces, "loader") - reading)
    if conditions.overlapped:
        reading = max(0.0, reading - _time(paces, "step"))
    others = max(0.0, lost - reading - augmentation)
    return {"reading": reading, "augmentation": augmentation, "others": others}


def _training(paces: Paces, conditions: Conditions) -> str:
    share = paces["training"].usual / paces["step"].usual
    if share > DISTURBED:
        return _disturbed("Training", share, "the steps that it is made of")
    if share >= ENOUGH:
        ways = ", or train.speed = 'auto'," if conditions.speed == "plain" else ""
        return (
            f"Training is limited by the network's arithmetic: it reaches {share:.0%} of what its "
            f"steps allow. A smaller --size or --arch, or a quicker device{ways} makes it quicker; "
            "nothing else does."
        )
    lost = lost_time(paces, conditions)
    what = max(lost, key=lambda name: lost[name])
    part = min(lost[what] / _time(paces, "training"), 1 - share)
    head = f"Training reaches {share:.0%} of what its steps allow. {_verb(share)} "
    if what == "augmentation":
        named = ", ".join(f"augment.{name}" for name in conditions.augmentation)
        return (
            f"{head}the augmentation, which takes {part:.0%} of the time. Leave out what these "
            f"images don't need of {named}; flips cost the least."
        )
    if what == "others":
        return head + _others(part, conditions)
    if conditions.decoded:
        return (
            f"{head}the loader, which takes {part:.0%} of the time to copy images from the cache. "
            "Have the cache on a quicker disk (FASTMED_CACHE), or more memory, so that it stays "
            "there."
        )
    return (
        f"{head}decoding, which takes {part:.0%} of the time: each file is decoded in every epoch. "
        "Let decoded images be kept (no --no-cache, and room where FASTMED_CACHE says), or have "
        "more --workers."
    )


def _others(part: float, conditions: Conditions) -> str:
    named = f" and {', '.join(conditions.techniques)}" if conditions.techniques else ""
    return (
        f"what happens between the steps (losses and metrics{named}), which takes {part:.0%} of "
        "the time. A larger --batch makes it rarer."
    )


def _prediction(paces: Paces, conditions: Conditions) -> str:
    share, views = paces["prediction"].usual / paces["views"].usual, len(conditions.views)
    if share > DISTURBED:
        return _disturbed("Prediction", share, "the network alone")
    if share >= ENOUGH and views > 1:
        return (
            f"Prediction is limited by its {views} views, of which each is one pass through the "
            f"network: it reaches {share:.0%} of what these allow. Fewer views (--views) make it "
            "quicker in proportion."
        )
    if share >= ENOUGH:
        return (
            f"Prediction is limited by the network's arithmetic: it reaches {share:.0%} of what "
            "the forward pass allows."
        )
    head = f"Prediction reaches {share:.0%} of what the forward pass allows. {_verb(share)} "
    if not conditions.decoded:
        return head + "decoding the files; more --workers help where there are cores for them."
    little = " A quicker device would change little." if share < HALF else ""
    return (
        f"{head}what is done around the network: images are read and made into views, and it is "
        f"measured what they are like.{little}"
    )


def _disturbed(what: str, share: float, ceiling: str) -> str:
    return (
        f"{what} was measured to be {share:.1f} times as quick as {ceiling}: something else was at "
        "work meanwhile. Measure again when nothing is, or for more --seconds."
    )


def _verb(share: float) -> str:
    return "It is limited by" if share < HALF else "What keeps it from the rest is"


def _reading(paces: Paces, conditions: Conditions) -> str:
    pace = paces["reading"].usual
    images = conditions.images / conditions.share
    again = "once, into the cache" if conditions.decoded else "in every epoch and prediction"
    text = f"Files are decoded {again}, {_figure(pace)} a second"
    if conditions.decoded:
        text += f": {_span(images / pace)} before the first epoch"
    if pace < paces["prediction"].usual:
        return f"{text}. Predictions of new images are limited by that; more cores help."
    return f"{text}."


def _time(paces: Paces, what: str) -> float:
    """Return the seconds an image."""
    return 1 / paces[what].usual


def _figure(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.0f} h"
