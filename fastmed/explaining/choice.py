"""Which images of a part are explained: the largest losses, and examples of each class."""

from collections.abc import Iterator, Sequence

import pandas as pd

LARGEST = "largest loss"


def choose(predictions: pd.DataFrame, classes: Sequence[str], count: int) -> pd.DataFrame:
    """Return some predictions with the ``reason`` for which each was chosen.

    In turn: the largest losses, then right and wrong predictions of each true class, the typical
    ones first (whose loss is nearest to the median of their kind), until there are enough.

    Args:
        predictions: of one part, with targets.
        classes: of the task.
        count: how many are wanted.
    """
    table = predictions.reset_index(drop=True)
    queues = [(LARGEST, iter(table["loss"].sort_values(ascending=False, kind="stable").index))]
    for name in classes:
        of_class = table["target"] == name
        right = table["predicted"] == name
        for kind, chosen in (("right", of_class & right), ("wrong", of_class & ~right)):
            queues.append((f"{kind}, of class {name}", _typical(table[chosen])))
    taken: dict[int, str] = {}
    while queues and len(taken) < count:
        queues = [queue for queue in queues if _take(*queue, taken, count)]
    rows = table.loc[list(taken)].assign(reason=list(taken.values()))
    order = {LARGEST: 0}
    rank = rows["reason"].map(lambda reason: order.setdefault(reason, len(order)))
    return rows.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)


def _take(reason: str, queue: Iterator[int], taken: dict[int, str], count: int) -> bool:
    """Take the next row of a queue that none has taken; False if there is none."""
    if len(taken) >= count:
        return True
    row = next((row for row in queue if row not in taken), None)
    if row is not None:
        taken[row] = reason
    return row is not None


def _typical(table: pd.DataFrame) -> Iterator[int]:
    """Yield rows in the order of how far their loss is from the median."""
    distance = (table["loss"] - table["loss"].median()).abs()
    return iter(distance.sort_values(kind="stable").index)
