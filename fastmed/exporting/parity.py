"""Whether an exported file says what its run says, image by image, and what it costs if not."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.console import progress, warn
from fastmed.data.inputs import read_input
from fastmed.data.metadata import PREFIX, MetadataEncoder
from fastmed.data.metadata_fields import CategoryField
from fastmed.data.pseudonyms import located
from fastmed.data.tables import items_table, part, root_of, scores_of
from fastmed.errors import ModelError
from fastmed.exporting.run_file import Predict, inputs_of
from fastmed.prediction.networks import readable
from fastmed.prediction.tables import table_of
from fastmed.results.scores.measures import Measures
from fastmed.results.scores.names import OVERALL
from fastmed.results.scores.options import ScoreOptions
from fastmed.results.scores.sample import sample_of
from fastmed.run import Run
from fastmed.task import Task

# The largest difference of a probability, or of a value as a share of all grades, by precision.
TOLERANCES = {"fp32": 1e-3, "fp16": 0.02, "int8": 0.25}
FEW, MANY = 32, 1000  # images for a look, and for scores
_SHAPES = (
    (97, 83),
    (64, 200),
    (300, 160),
    (224, 224),
    (40, 31),
    (512, 700),
    (128, 128),
    (900, 600),
)


@dataclass(frozen=True)
class Images:
    """Images that a file is checked on.

    Attributes:
        items: of them.
        what: they are, in words.
        made_up: they are none of the run's.
    """

    items: pd.DataFrame
    what: str
    made_up: bool = False


@dataclass(frozen=True)
class Check:
    """How a file's predictions differ from its run's.

    Attributes:
        what: the images are, in words.
        images: how many.
        difference: the largest of a probability, or of a value as a share of all grades.
        changed: images with another predicted class.
        scores: by name, before and after; without labels there are none.
    """

    what: str
    images: int
    difference: float
    changed: int
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)


@contextmanager
def images_of(run: Run, given: Path | None, most: int) -> Iterator[Images]:
    """Give images to check an export of a run on.

    Args:
        run: that is exported.
        given: an input of the user's; None takes the run's validation part, else its test part,
            else made-up images, with a warning.
        most: how many.
    """
    task = run.task
    found: Images | None
    if given is not None:
        found = Images(some(read_input(task, given), most), "images of the input")
    else:
        found = next(_own_parts(run, most), None)
    if found is not None:
        yield Images(readable(found.items, task, False, False), found.what)
        return
    warn(
        f"{run.title} has no images here to check the file on: neither its validation nor its test "
        "part. It is checked on made-up ones; give some of your own with --check INPUT"
    )
    with tempfile.TemporaryDirectory() as folder:
        items = _made_up(Path(folder), run.metadata)
        yield Images(readable(items, task, False, False), "made-up images", made_up=True)


def compare_with(
    predict: Predict, task: Task, encoder: MetadataEncoder | None, images: Images, own: pd.DataFrame
) -> Check:
    """Return how a file's predictions differ from a run's.

    Args:
        predict: runs the file.
        task: of the run.
        encoder: of its metadata.
        images: that both predict.
        own: the run's predictions of them.
    """
    count, items = len(own), images.items
    steps = progress(inputs_of(task, encoder, items), f"Checking {count} images", count)
    given = list(_heeding_batches(predict, steps))
    scores = np.concatenate([one["probabilities"] for one in given]).astype(float)
    decided = np.concatenate([one["predicted"] for one in given])
    apart = [np.abs(scores - scores_of(own, task.classes)).max()]
    outputs = scores
    if task.goal == "grade":
        outputs = np.concatenate([one["value"] for one in given]).astype(float)
        apart.append(np.abs(outputs - own["value"].to_numpy()).max() / (len(task.classes) - 1))
    after = table_of(task, items, scores, scores, decided)
    if task.goal == "grade":
        after["value"] = outputs
    changed = int((after["predicted"].to_numpy() != own["predicted"].to_numpy()).sum())
    return Check(images.what, count, float(np.max(apart)), changed, _both_scores(task, own, after))


def refuse_if_apart(check: Check, tolerance: float, precision: str) -> None:
    """Refuse a file whose predictions are not those of its run.

    Raises:
        ModelError: says how far they are from them.
    """
    if check.difference <= tolerance:
        return
    way = "" if precision == "fp32" else "; a higher --precision loses less, or"
    raise ModelError(
        f"the file's predictions differ from the run's by up to {check.difference:.2g} in "
        f"{check.images} {check.what}, more than {tolerance:g}, so it is not kept{way or ';'} "
        "--tolerance accepts more"
    )


def _heeding_batches(
    predict: Predict, inputs: Iterator[dict[str, np.ndarray]]
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the predictions of each image; the first goes twice, to see that batches work."""
    for place, given in enumerate(inputs):
        alone = predict(given)
        if place == 0:
            twice = predict({name: np.repeat(value, 2, axis=0) for name, value in given.items()})
            for name, value in alone.items():
                if not np.allclose(twice[name], value, atol=1e-3, equal_nan=True):
                    raise ModelError(f"the file gives another '{name}' in a batch of two images")
        yield alone


def _own_parts(run: Run, most: int) -> Iterator[Images]:
    """Yield the run's own parts whose images are here."""
    for name, what in (("valid", "validation"), ("test", "test")):
        items = part(run.items, name)
        if items.empty or not run.data.is_dir():
            continue
        found = located(some(items, most))
        if (root_of(found) / found["image"].iloc[0]).is_file():
            yield Images(found, f"images of the {what} part")


def some(items: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many items, spread over all of them."""
    if len(items) <= most:
        return items
    rows = np.unique(np.linspace(0, len(items) - 1, most).astype(int))
    chosen = items.iloc[rows]
    chosen.attrs = items.attrs
    return chosen


def _made_up(folder: Path, encoder: MetadataEncoder | None) -> pd.DataFrame:
    """Write images of soft blots in several shapes; their metadata is drawn at random."""
    random = np.random.default_rng(0)
    names = [f"{number}.png" for number in range(len(_SHAPES))]
    for name, (height, width) in zip(names, _SHAPES, strict=True):
        blots = Image.fromarray(random.integers(0, 256, (9, 7, 3), dtype=np.uint8))
        soft = np.asarray(blots.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
        noisy = soft + random.integers(-8, 9, soft.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / name)
    rows = pd.DataFrame({"item": names, "image": names}, dtype=str)
    for known in encoder.fields if encoder else ():
        rows[PREFIX + known.name] = [
            str(random.choice(known.values))
            if isinstance(known, CategoryField)
            else f"{random.normal(known.mean, known.std):.1f}"
            for _ in names
        ]
        rows.loc[0, PREFIX + known.name] = ""
    return items_table(rows, folder)


def _both_scores(
    task: Task, before: pd.DataFrame, after: pd.DataFrame
) -> dict[str, tuple[float, float]]:
    """Return the scores of two tables of predictions; without labels none."""
    if not (before["target"] != "").any():
        return {}
    own, other = (_scores(task, table) for table in (before, after))
    return {name: (own[name], other[name]) for name in own if name in other}


def _scores(task: Task, table: pd.DataFrame) -> dict[str, float]:
    sample = sample_of(table, task.classes, task.goal)
    found = Measures(sample, ScoreOptions()).once()
    overall: Sequence[tuple[str, float]] = [
        (address[-1], float(values[0]))
        for address, values in found.items()
        if address[0] == OVERALL
    ]
    return {name: value for name, value in overall if np.isfinite(value)}
