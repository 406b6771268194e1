"""Ensembles of files and runs, against what an independent count gives."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_members import GRADES, LUNGS, file_of, run_of, said
from scipy.stats import mode
from sklearn.metrics import accuracy_score, f1_score

import fastmed
from fastmed.data.tables import grades_of, read_table, scores_of, write_table
from fastmed.ensembles import Ensemble, ensemble
from fastmed.errors import DataError, RunError, TaskError
from fastmed.results.scores import ScoreOptions, score


def files_of(folder: Path, labelled: bool) -> list[Path]:
    tables = [said(LUNGS, seed=seed, labelled=labelled) for seed in (1, 2, 3)]
    return [
        file_of(folder, f"m{place}", table.sample(frac=1, random_state=place))
        for place, table in enumerate(tables)
    ]


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three files of the same images, each in an order of its own."""
    return files_of(tmp_path, labelled=False)


@pytest.fixture
def labelled(tmp_path: Path) -> list[Path]:
    return files_of(tmp_path, labelled=True)


@pytest.fixture
def two_runs(tmp_path: Path) -> list[Path]:
    return runs_of(tmp_path, "lungs", labelled=True)


@pytest.fixture
def unlabelled_runs(tmp_path: Path) -> list[Path]:
    return runs_of(tmp_path, "lungs", labelled=False)


def runs_of(folder: Path, task: str, *, labelled: bool) -> list[Path]:
    place = folder / "runs" / task
    return [run_of(place, f"r{n}", task, n, labelled=labelled).path for n in (1, 2)]


def in_order(files: list[Path]) -> list[pd.DataFrame]:
    tables = [read_table(file).set_index("item") for file in files]
    return [table.loc[tables[0].index] for table in tables]


def test_a_vote_is_the_class_that_most_predict(three: list[Path]) -> None:
    found = ensemble(three, method="vote")
    tables = in_order(three)
    assert found["item"].tolist() == tables[0].index.tolist()
    codes = np.stack([grades_of(table["predicted"], LUNGS) for table in tables])
    clear = np.array([len(set(column)) < 3 for column in codes.T])
    assert clear.any()
    assert not clear.all()
    expected = np.array(LUNGS)[mode(codes, axis=0).mode]
    assert (found["predicted"] == expected)[clear].all()
    means = np.mean([scores_of(table, LUNGS) for table in tables], axis=0)
    tied = np.array(LUNGS)[means.argmax(axis=1)]  # each class has one vote
    assert (found["predicted"] == tied)[~clear].all()
    assert found["agreement"].round(3).isin([0.333, 0.667, 1.0]).all()


def test_a_mean_is_one_of_probabilities_in_any_order(three: list[Path]) -> None:
    found = ensemble(three)
    every = [scores_of(table, LUNGS) for table in in_order(three)]
    assert scores_of(found, LUNGS) == pytest.approx(np.mean(every, axis=0))
    back = ensemble(three[::-1]).set_index("item").loc[found["item"]]
    assert scores_of(back, LUNGS) == pytest.approx(scores_of(found, LUNGS))
    assert back["predicted"].tolist() == found["predicted"].tolist()


def test_weights_and_logarithms(three: list[Path]) -> None:
    every = np.stack([scores_of(table, LUNGS) for table in in_order(three)])
    found = ensemble(three, method="weighted", weights=[5, 3, 2])
    assert scores_of(found, LUNGS) == pytest.approx(np.average(every, axis=0, weights=[5, 3, 2]))
    logs = ensemble(three, method="weighted", weights=[1, 1, 0], average="logits")
    product = np.sqrt(every[0] * every[1])
    expected = product / product.sum(axis=1, keepdims=True)
    assert scores_of(logs, LUNGS) == pytest.approx(expected)


def test_weights_are_made_of_the_valid_parts(tmp_path: Path, three: list[Path]) -> None:
    tables = [said(LUNGS, 40, seed, prefix="valid", gain=seed) for seed in (1, 2, 3)]
    valid = [file_of(tmp_path, f"v{place}", table) for place, table in enumerate(tables)]
    found = Ensemble.of(three, method="weighted", valid=valid)
    own = [f1_score(one["target"], one["predicted"], average="macro") for one in tables]
    assert list(found.weights.values()) == pytest.approx(np.array(own) / sum(own))
    by = Ensemble.of(three, method="weighted", valid=valid, weight_by="log_loss")
    losses = [
        score(one, LUNGS, "category", ScoreOptions(resamples=0))["overall"]["log_loss"]
        for one in tables
    ]
    assert list(by.weights.values()) == pytest.approx(
        (1 / np.array(losses)) / sum(1 / np.array(losses))
    )
    with pytest.raises(TaskError, match="no score 'macrof1'.*did you mean 'macro_f1'"):
        ensemble(three, method="weighted", valid=valid, weight_by="macrof1")


def test_scores_and_gains_are_those_of_the_tables(labelled: list[Path]) -> None:
    found = Ensemble.of(labelled)
    assert found.judged is not None
    overall = found.judged.scores["overall"]
    assert overall["accuracy"] == accuracy_score(found.table["target"], found.table["predicted"])
    own = accuracy_score(*(in_order(labelled)[1][name] for name in ("target", "predicted")))
    assert found.judged.members["m1"]["overall"]["accuracy"] == own
    gain = next(
        one
        for one in found.judged.gains
        if one.against == "m1" and one.address == ("overall", "accuracy")
    )
    assert gain.difference == pytest.approx(overall["accuracy"] - own)
    assert gain.interval[0] < gain.difference < gain.interval[1]
    assert found.judged.scores["patients"] == 30


def test_gains_are_those_of_compare(two_runs: list[Path], tmp_path: Path) -> None:
    """The ensemble, saved as a run of its own, compared by `compare`."""
    found = Ensemble.of(two_runs)
    third = run_of(tmp_path / "runs" / "lungs", "mean", "lungs", 1)
    write_table(found.table, third.predictions_file("test"))
    expected = fastmed.compare([two_runs[0], third.path]).differences
    own = [one for one in found.judged.gains if one.against == "r1"]
    assert [one.address for one in own] == [one.address for one in expected]
    assert [one.difference for one in own] == pytest.approx([one.difference for one in expected])
    limits = [np.array([one.interval or (0, 0) for one in of], float) for of in (own, expected)]
    assert limits[0] == pytest.approx(limits[1], nan_ok=True)


def test_a_vote_and_classes_alone_have_no_scores_of_probabilities(
    labelled: list[Path], tmp_path: Path
) -> None:
    bare = read_table(labelled[0])[["item", "predicted"]].rename(columns={"predicted": "class"})
    bare.to_csv(tmp_path / "bare.csv", index=False)
    found = Ensemble.of([*labelled[1:], tmp_path / "bare.csv"], method="vote")
    assert found.judged is not None
    for scores in (found.judged.scores, found.judged.members["bare"]):
        assert not {"auroc", "log_loss", "brier"} & set(scores["overall"])
    assert "auroc" in found.judged.members["m1"]["overall"]
    assert {one.address[-1] for one in found.judged.gains} & {"macro_f1", "sensitivity"}
    assert not {one.address[-1] for one in found.judged.gains} & {"auroc", "brier"}
    with pytest.raises(DataError, match="bare has classes alone.*--method vote"):
        ensemble([*labelled[1:], tmp_path / "bare.csv"])


def test_missing_rows_are_named_and_refused_or_dropped_or_predicted_by_fewer(
    three: list[Path], tmp_path: Path
) -> None:
    less = file_of(tmp_path, "less", read_table(three[0]).sort_values("item").iloc[2:])
    members = [less, *three[1:]]
    with pytest.raises(
        DataError, match=r"less has no prediction of 2 of 60 images: 'test/\d+.png', 'test/\d+"
    ):
        ensemble(members)
    dropped = ensemble(members, missing="drop")
    assert len(dropped) == 58
    fewer = ensemble(members, missing="fewer").set_index("item")
    assert len(fewer) == 60
    assert (fewer["members"] == 2).sum() == 2
    gone = fewer.index[fewer["members"] == 2]
    every = [read_table(file).set_index("item").loc[gone] for file in three[1:]]
    expected = np.mean([scores_of(one, LUNGS) for one in every], axis=0)
    assert scores_of(fewer.loc[gone], LUNGS) == pytest.approx(expected)
    rest = fewer.loc[dropped["item"]]
    assert scores_of(rest, LUNGS) == pytest.approx(scores_of(dropped, LUNGS))
    votes = ensemble(members, missing="fewer", method="vote")
    assert len(votes) == 60


def test_what_can_not_be_put_together_is_refused(labelled: list[Path], tmp_path: Path) -> None:
    table = read_table(labelled[0])
    twice = file_of(tmp_path, "twice", pd.concat([table, table.head(2)]))
    with pytest.raises(DataError, match="twice: 2 images stand twice: 'test/"):
        ensemble([twice, labelled[1]])
    others = file_of(tmp_path, "others", table.assign(item="x" + table["item"]))
    with pytest.raises(DataError, match=r"no image is predicted by all.*'xtest/\d+.png' in others"):
        ensemble([others, labelled[1]], missing="fewer")
    lies = file_of(tmp_path, "lies", table.assign(target=table["target"].to_numpy()[::-1]))
    with pytest.raises(DataError, match=r"\d+ of 60 images have another label in lies"):
        ensemble([labelled[1], lies])
    grades = file_of(tmp_path, "grades", said(GRADES))
    with pytest.raises(DataError, match="m0 has scores of 'healthy'.*but the classes are 'No DR'"):
        ensemble([grades, labelled[0]])
    with pytest.raises(RunError, match="at least two members"):
        ensemble(labelled[:1])
    with pytest.raises(RunError, match="stands twice"):
        ensemble([labelled[0], labelled[0]])
    with pytest.raises(RunError, match="no file or run 'gone.csv'"):
        ensemble([labelled[0], "gone.csv"])


def test_classes_may_stand_in_another_order(three: list[Path], tmp_path: Path) -> None:
    table = read_table(three[0])
    turned = table[[*table.columns[:4], *table.columns[6:3:-1], "split"]]
    own = file_of(tmp_path, "turned", turned)
    assert scores_of(ensemble([own, three[1]]), LUNGS) == pytest.approx(
        scores_of(ensemble([three[0], three[1]]), LUNGS)
    )


def test_grades_are_voted_on_and_values_averaged(tmp_path: Path) -> None:
    tables = [said(GRADES, seed=seed, labelled=False) for seed in (1, 2, 3)]
    files = [file_of(tmp_path, f"g{place}", table) for place, table in enumerate(tables)]
    found = ensemble(files)
    values = np.mean([table["value"] for table in tables], axis=0)
    assert found["value"].to_numpy() == pytest.approx(values)
    assert found["grade"].tolist() == np.clip(np.floor(values + 0.5), 0, 4).tolist()
    own = ensemble(files, cut_points=[0.2, 1.2, 2.2, 3.2])
    assert own["grade"].tolist() == np.searchsorted([0.2, 1.2, 2.2, 3.2], values).tolist()
    voted = ensemble(files, method="vote")
    assert "value" not in voted
    assert (voted["predicted"].to_numpy() == np.array(GRADES)[voted["grade"]]).all()
    bare = [tmp_path / f"b{place}.csv" for place in range(2)]
    for file, table in zip(bare, tables, strict=False):
        table[["item", "grade"]].to_csv(file, index=False)
    by_grade = ensemble(
        bare, task="retinopathy", columns=["predicted=grade"], cut_points=[0.5, 1.5, 2.5, 3.5]
    )
    half = (tables[0]["grade"] + tables[1]["grade"]) / 2
    assert by_grade["value"].tolist() == half.tolist()


def test_a_common_validation_part_calibrates_the_mean(unlabelled_runs: list[Path]) -> None:
    found = Ensemble.of(unlabelled_runs)
    plain = Ensemble.of(unlabelled_runs, calibrate=False)
    assert found.fitted["images"] == 40
    assert found.fitted["temperature"] != 1
    assert plain.fitted == {}
    logs = np.log(scores_of(plain.table, LUNGS)) / found.fitted["temperature"]
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    assert scores_of(found.table, LUNGS) == pytest.approx(expected)
    assert found.table["predicted"].tolist() == plain.table["predicted"].tolist()


def test_stacking_learns_from_the_valid_part_alone(
    unlabelled_runs: list[Path], three: list[Path]
) -> None:
    found = Ensemble.of(unlabelled_runs, method="stack")
    assert found.fitted["images"] == 40
    assert np.array(found.fitted["stack"]["coefficients"]).shape == (3, 6)
    assert scores_of(found.table, LUNGS).sum(axis=1) == pytest.approx(np.ones(60))
    json.dumps(found.as_info())
    with pytest.raises(RunError, match="m0 has no labelled predictions.*--valid FILE names them"):
        ensemble(three, method="stack")


def test_grades_of_runs_are_cut_where_their_valid_part_says(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, "retinopathy", labelled=False)
    found = Ensemble.of(runs)
    points = found.fitted["cut_points"]
    assert found.table["grade"].tolist() == np.searchsorted(points, found.table["value"]).tolist()
    stack = Ensemble.of(runs, method="stack")
    means = scores_of(stack.table, GRADES) @ np.arange(5)
    assert stack.table["value"].to_numpy() == pytest.approx(means)
    assert len(stack.fitted["cut_points"]) == 4
    with pytest.raises(TaskError, match="--average logits has no effect on grades"):
        ensemble(runs, average="logits")


def test_nothing_is_fitted_on_the_part_that_is_judged(two_runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="fits on the validation part, and can't be tried"):
        ensemble(two_runs, method="weighted", split="valid")
    assert len(ensemble(two_runs, method="vote", split="valid")) == 40
    both = [file_of(tmp_path, f"b{n}", said(LUNGS, seed=n)) for n in (1, 2)]
    with pytest.raises(DataError, match="60 of 60 images to be judged by are in the validation"):
        ensemble(both, method="stack", valid=both)


def test_images_that_shaped_a_member_are_refused(two_runs: list[Path], tmp_path: Path) -> None:
    rows = pd.concat([said(LUNGS, 60, 5), said(LUNGS, 30, 5, prefix="training")])
    first, second = (file_of(tmp_path, name, rows) for name in ("first", "second"))
    assert len(ensemble([first, second])) == 90  # of files nothing is known
    with pytest.raises(
        DataError, match="30 of 90 images in the labelled part trained r1, chose its epoch or"
    ):
        ensemble([two_runs[0], first], missing="fewer")
    found = Ensemble.of([two_runs[0], first], missing="fewer", drop_seen=True)
    assert len(found.table) == 60
    assert found.judged.test_uses is not None
