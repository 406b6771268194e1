"""How well something that is not the finding tells the class: a blocked cross-validation.

Images of one patient, and copies, are in one fold. The test takes them as one, too: with several
images a patient, the usual error of an AUROC is too small.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

FOLDS = 5
MOST = 2000  # images that are looked at
FEWEST_IMAGES, FEWEST_BLOCKS = 10, FOLDS  # of a class, or it is passed by
CHANCE = 0.01
TREES = 100
Numbers = NDArray[np.float64]


class Telling(NamedTuple):
    """How well the class is told.

    Attributes:
        macro: mean of the one-vs-rest AUROC of the classes.
        by_class: one-vs-rest AUROC of each class.
        p: of chance doing as well as the best of these (one-sided, Bonferroni).
        images: that were looked at.
    """

    macro: float
    by_class: dict[str, float]
    p: float
    images: int

    @property
    def best(self) -> float:
        """The largest of the macro AUROC and those of the classes."""
        return max(self.macro, *self.by_class.values())

    @property
    def words(self) -> str:
        """The macro AUROC, and the class that is told best, in words."""
        name, value = max(self.by_class.items(), key=lambda pair: pair[1])
        several = f", {value:.2f} for '{name}'" if len(self.by_class) > 2 else ""
        return f"AUROC {self.macro:.2f}{several}"


def how_well_told(
    features: pd.DataFrame, targets: pd.Series, blocks: pd.Series, seed: int = 0
) -> Telling | None:
    """Return how well features tell the class; None if there are too few images or patients.

    Args:
        features: numbers and texts, a row an image; what is missing is not-a-number.
        targets: the class of each image.
        blocks: images of one number are kept together.
        seed: of folds and trees.
    """
    names, groups = np.asarray(targets, dtype=str), np.asarray(blocks)
    chosen = _chosen(names, groups, seed)
    names, groups = names[chosen], groups[chosen]
    classes = np.unique(names)
    if len(classes) < 2:
        return None
    scores = _out_of_fold(_as_numbers(features).to_numpy()[chosen], names, groups, seed)
    aucs, influence = zip(
        *(auc_and_influence(scores[:, place], names == name) for place, name in enumerate(classes)),
        strict=True,
    )
    tests = [(np.mean(aucs), np.mean(influence, axis=0)), *zip(aucs, influence, strict=True)]
    tests = tests[:1] if len(classes) == 2 else tests
    chances = [_chance(float(auc), np.asarray(parts), groups) for auc, parts in tests]
    return Telling(
        float(np.mean(aucs)),
        {str(name): float(auc) for name, auc in zip(classes, aucs, strict=True)},
        min(1.0, min(chances) * len(chances)),
        len(names),
    )


def auc_and_influence(scores: Numbers, positive: NDArray[np.bool_]) -> tuple[float, Numbers]:
    """Return the AUROC, and how far each image moves it: DeLong's components, centred and weighted.

    E. R. DeLong et al., Biometrics 44 (1988).
    """
    ranks = rankdata(scores)
    influence = np.zeros(len(scores))
    counts = {side: int((positive == side).sum()) for side in (True, False)}
    for side in (True, False):
        mine = positive == side
        others = (ranks[mine] - rankdata(scores[mine])) / counts[not side]
        influence[mine] = others if side else 1 - others
    auc = float(influence[positive].mean())
    influence -= auc
    influence /= np.where(positive, counts[True], counts[False])
    return auc, influence


def _chance(auc: float, influence: Numbers, blocks: NDArray[np.int64]) -> float:
    """Return the one-sided p of an AUROC, with blocks of images that depend on each other.

    N. A. Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 53 (1997).
    """
    sums = np.bincount(np.unique(blocks, return_inverse=True)[1], weights=influence)
    variance = float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)
    if variance == 0:
        return 0.0 if auc > 0.5 else 1.0
    return float(norm.sf((auc - 0.5) / variance**0.5))


def _chosen(names: NDArray[np.str_], blocks: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the positions of the images to look at: some of each class that has enough."""
    generator = np.random.default_rng(seed)
    table = pd.DataFrame({"name": names, "block": blocks})
    sizes = table.groupby("name")["block"].agg(["size", "nunique"])
    enough = sizes[(sizes["size"] >= FEWEST_IMAGES) & (sizes["nunique"] >= FEWEST_BLOCKS)].index
    most = -(-MOST // max(1, len(enough)))
    kept = [
        generator.permutation(np.flatnonzero(names == name))[:most] for name in enough.astype(str)
    ]
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)


def _out_of_fold(
    features: Numbers, names: NDArray[np.str_], blocks: NDArray[np.int64], seed: int
) -> Numbers:
    """Return the score (n, classes) of each image by trees that saw neither it nor its block."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    classes, codes = np.unique(names, return_inverse=True)  # names such as "0" confuse the trees
    scores = np.zeros((len(names), len(classes)))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(features, codes, blocks):
        trees = RandomForestClassifier(
            TREES, min_samples_leaf=3, class_weight="balanced", random_state=seed
        )
        trees.fit(features[train], codes[train])
        scores[np.ix_(test, trees.classes_)] = trees.predict_proba(features[test])
    return scores


def _as_numbers(features: pd.DataFrame) -> pd.DataFrame:
    """Return texts as numbers, by how frequent they are."""
    return pd.DataFrame(
        {
            name: column.astype(float)
            if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
            else column.map({v: n for n, v in enumerate(column.value_counts().index)}).astype(float)
            for name, column in features.items()
        },
        index=features.index,
    )
