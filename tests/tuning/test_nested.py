"""Nested folds: real searches and trainings of a tiny network."""

import shutil
from pathlib import Path

import pytest
from conftest import tiny_task
from stopped import stopped_before

from fastmed.data.tables import read_table
from fastmed.errors import RunError
from fastmed.evaluation import saved_scores
from fastmed.families import Family, resume_family
from fastmed.families.summary import summary
from fastmed.run import list_runs
from fastmed.settings.tune import parse_space
from fastmed.tuning.nested import inner_search, resume_nested, tune_nested

pytestmark = pytest.mark.slow  # three searches and their trainings
SPACE = parse_space(["train.lr=1e-4..1e-1:log", "balance.method=none,sampler"])


def nested_in(runs: Path, data: Path, **options: object) -> Family:
    task = tiny_task("lungs", train__epochs=1, split__valid=0.2)
    given = {"folds": 2, "trials": 2, "space": SPACE, "device": "cpu", "workers": 0, **options}
    return tune_nested(task, data, runs=runs, **given)


@pytest.fixture(scope="module")
def nested(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Family:
    runs = tmp_path_factory.mktemp("runs")
    with stopped_before(3, KeyboardInterrupt):
        nested_in(runs, phantoms["lungs"])
    family = Family.open(runs / "lungs" / "nested")
    assert family.info["status"] == "interrupted"
    assert family.finished == {}
    return resume_nested(family.path)


def test_no_fold_is_seen_by_the_search_that_chooses_its_settings(nested: Family) -> None:
    for member in nested.plan:
        search = inner_search(nested, member.fold)
        run = nested.members[member.name]
        fold = set(run.items.loc[run.items["split"] == "test", "item"])
        assert fold == set(nested.items.loc[nested.items["fold"] == member.fold, "item"])
        for trial in list_runs(search.path.parent.parent.parent):
            if trial.path.parent == search.path:
                raise AssertionError("trials of inner searches are not listed among the runs")
        for trial in search.path.glob("trial-*/items.csv"):
            items = read_table(trial)
            seen = items[items["split"].isin(["train", "valid", "test"])]
            assert not fold & set(seen["item"])
            groups = set(run.items.loc[run.items["split"] == "test", "group"])
            assert not groups & set(seen["group"])


def test_each_fold_is_tested_with_the_settings_that_its_search_found(nested: Family) -> None:
    for member in nested.plan:
        search, run = inner_search(nested, member.fold), nested.members[member.name]
        assert search.info["status"] == "done"
        assert len(search.trials) == 2
        assert run.task.train.lr == search.best_changes["train.lr"]
        assert run.task.balance.method == search.best_changes["balance.method"]
        valid = set(run.items.loc[run.items["split"] == "valid", "item"])
        best = search.best_run.items
        assert valid == set(best.loc[best["split"] == "valid", "item"])


def test_the_estimate_is_that_of_the_folds(nested: Family) -> None:
    table = summary(nested).set_index(["part", "score"])
    values = [saved_scores(run)["test"]["overall"]["auroc"] for run in nested.members.values()]
    assert table.loc[("test", "auroc"), "mean"] == pytest.approx(sum(values) / 2)
    pooled = read_table(nested.path / "predictions" / "out-of-fold.csv")
    assert sorted(pooled["item"]) == sorted(nested.items.loc[nested.items["fold"] >= 0, "item"])


def test_what_is_finished_or_other_is_not_gone_on_with(
    nested: Family, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    runs = nested.path.parent.parent
    with pytest.raises(RunError, match="all 2 folds of .* are finished"):
        resume_nested(nested.path)
    with pytest.raises(RunError, match="all 2 folds of .* are finished; choose another --name"):
        nested_in(runs, phantoms["lungs"])
    with pytest.raises(RunError, match="was begun with trials = 2, and now it is 3"):
        nested_in(runs, phantoms["lungs"], trials=3)
    with pytest.raises(RunError, match="was begun with other images"):
        nested_in(runs, phantoms["lungs"], folds=3)
    copy = Family.open(shutil.copytree(nested.path, tmp_path / "lungs" / "nested"))
    with pytest.raises(RunError, match="each run of .* follows a search"):
        resume_family(copy)
    copy.update(kind="folds")
    with pytest.raises(RunError, match="is no nested search"):
        resume_nested(copy)
