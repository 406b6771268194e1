import pandas as pd
from made_predictions import predictions

from fastmed.results.scores import score
from fastmed.results.scores.confusion import confused_pairs, examples_of

THREE = ["healthy", "COVID", "other"]


def test_pairs_are_those_of_a_cross_table() -> None:
    table = predictions(THREE, 90)
    pairs = confused_pairs(score(table, THREE, "category"))
    wrong = table[table["target"] != table["predicted"]]
    counts = wrong.groupby(["target", "predicted"]).size()
    assert {(one.true, one.predicted): one.images for one in pairs} == counts.to_dict()
    assert [one.images for one in pairs] == sorted(counts, reverse=True)
    sizes = table["target"].value_counts()
    assert all(one.share == one.images / sizes[one.true] for one in pairs)


def test_a_perfect_network_confuses_nothing() -> None:
    table = predictions(THREE, 30)
    table["predicted"] = table["target"]
    assert confused_pairs(score(table, THREE, "category")) == []


def test_examples_are_the_largest_losses_of_their_pair() -> None:
    table = predictions(THREE, 90)
    table["loss"] = range(90)
    pairs = confused_pairs(score(table, THREE, "category"))
    for pair, rows in zip(pairs, examples_of(table, pairs, 2), strict=True):
        own = table[(table["target"] == pair.true) & (table["predicted"] == pair.predicted)]
        assert rows["loss"].tolist() == sorted(own["loss"], reverse=True)[:2]
        assert isinstance(rows, pd.DataFrame)
