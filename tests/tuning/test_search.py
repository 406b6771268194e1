"""Searches: real trainings of a tiny network."""

import json
from pathlib import Path

import optuna
import pandas as pd
import pytest
import torch
from conftest import tiny_task
from safetensors.torch import load_file
from stopped import stopped_before

import fastmed.tuning.trial
from fastmed.errors import MissingExtraError, RunError, TaskError, TrainingError
from fastmed.run import Run, list_runs
from fastmed.settings.tune import parse_space
from fastmed.taskfile import find_task
from fastmed.training.train import train
from fastmed.tuning.search import Search
from fastmed.tuning.storage import check_storage, shown
from fastmed.tuning.tune import resume_search, tune

CPU = {"device": "cpu", "workers": 0}
SPACE = parse_space(["train.lr=1e-4..1e-1:log", "train.opt=adamw,sgd"])
TIMES = ["seconds", "trial"]


def search_in(runs: Path, data: Path, **options: object) -> Search:
    task = options.pop("task", tiny_task("lungs"))
    given = {"trials": 3, "keep": 2, "space": SPACE, "pruner": "none", "name": "a"}
    return tune(task, data, runs=runs, **{**given, **CPU, **options})


@pytest.fixture(scope="module")
def done(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Search:
    return search_in(tmp_path_factory.mktemp("runs"), phantoms["lungs"])


def test_the_best_trial_is_found_and_its_settings_are_a_task(done: Search) -> None:
    table = done.trials
    assert table["state"].tolist() == ["done"] * 3
    best = table.loc[table["value"].idxmax()]
    assert (best["trial"], best["value"]) == (done.info["best"], done.info["best_value"])
    run = done.best_run
    assert (run.path.name, run.info["best_value"]) == (best["trial"], best["value"])
    assert (run.task.train.lr, run.task.train.opt) == (best["train.lr"], best["train.opt"])
    read = find_task("lungs", done.path / "best.toml")
    assert read.train == done.best_task.train == run.task.train


def test_training_the_best_settings_gives_the_best_run_again(
    done: Search, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = find_task("lungs", done.path / "best.toml")
    run = train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    again, kept = load_file(run.weights), load_file(done.best_run.weights)
    assert all(torch.equal(again[name], kept[name]) for name in kept)


def test_the_folder_of_a_search_stands_for_its_best_run(done: Search) -> None:
    assert Run.open(done.path).path == done.path / done.info["best"]
    assert Run.newest(done.path.parent.parent).path == done.path / done.info["best"]
    assert {run.task_name for run in list_runs(done.path.parent.parent)} == {"lungs"}


def test_only_the_best_runs_are_kept(done: Search) -> None:
    ranked = done.trials.sort_values("value", ascending=False, kind="stable")["trial"]
    kept = {run.path.name for run in list_runs(done.path.parent.parent)}
    assert kept == set(ranked[:2])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 5, 17, 24])
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    done: Search, phantoms: dict[str, Path], tmp_path: Path, batch: int
) -> None:
    """Killed in the first epoch of a trial, between two epochs, and in the middle of one."""
    with stopped_before(batch):
        search_in(tmp_path, phantoms["lungs"])
    found = search_in(tmp_path, phantoms["lungs"])
    pd.testing.assert_frame_equal(found.trials.drop(columns=TIMES), done.trials.drop(columns=TIMES))
    again, kept = load_file(found.best_run.weights), load_file(done.best_run.weights)
    assert all(torch.equal(again[name], kept[name]) for name in kept)
    assert not (found.path / "workers").exists()


def test_an_interrupted_search_goes_on_by_its_folder(
    done: Search, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    with stopped_before(14, KeyboardInterrupt):
        search_in(tmp_path, phantoms["lungs"])
    folder = tmp_path / "lungs" / "a"
    stopped = Search.open(folder)
    assert stopped.info["status"] == "interrupted"
    assert len(stopped.trials) < 3
    found = resume_search(folder)
    assert found.info["status"] == "done"
    columns = ["value", "train.lr", "train.opt"]
    pd.testing.assert_frame_equal(found.trials[columns], done.trials[columns])
    with pytest.raises(RunError, match="all 3 trials of .* are done"):
        resume_search(folder)


@pytest.mark.slow
def test_more_trials_go_on_with_the_same_search(
    done: Search, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    first = search_in(tmp_path, phantoms["lungs"], trials=2)
    assert len(first.trials) == 2
    assert len(search_in(tmp_path, phantoms["lungs"], trials=2).trials) == 2
    both = search_in(tmp_path, phantoms["lungs"], trials=3)
    assert both.trials["value"].tolist() == done.trials["value"].tolist()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"space": parse_space(["train.lr=1e-4..1e-2:log"])}, "was begun with tune.space"),
        ({"task": tiny_task("lungs", train__batch=4)}, "begun with train.batch = 8, and now it is"),
        ({"task": tiny_task("lungs", split__seed=1)}, "begun with split.seed"),
        ({"seed": 1}, "was begun with seed = 42, and now it is 1"),
        ({"storage": "sqlite://"}, "keeps its trials in its own folder"),
    ],
)
def test_another_search_is_not_mixed_with_one_that_is_there(
    done: Search, phantoms: dict[str, Path], options: dict, sentence: str
) -> None:
    before = (done.path / "search.json").read_bytes()
    with pytest.raises(RunError) as refused:
        search_in(done.path.parent.parent, phantoms["lungs"], **options)
    assert sentence in str(refused.value)
    assert (done.path / "search.json").read_bytes() == before


def test_other_images_are_not_mixed_with_those_of_before(
    done: Search, phantoms: dict[str, Path]
) -> None:
    items = done.items
    fewer = items[items["item"] != items["item"].iloc[0]]
    fewer.attrs.update(items.attrs)
    with pytest.raises(RunError, match="was begun with other images"):
        search_in(done.path.parent.parent, fewer)
    search_in(done.path.parent.parent, items)


@pytest.mark.slow
def test_a_point_that_is_no_task_is_a_failed_trial(
    phantoms: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = parse_space(["train.mixup=0,0.2", "train.cutmix=0,0.2"])
    task = tiny_task("lungs", train__epochs=1)
    options = {"task": task, "space": space, "sampler": "grid", "trials": 4}
    found = search_in(tmp_path, phantoms["lungs"], **options)
    failed = found.trials[found.trials["state"] == "failed"]
    assert len(found.trials) == 4
    assert len(failed) == 1
    assert "mixup and cutmix both mix the same batch" in failed["reason"].item()
    assert not (found.path / failed["trial"].item()).exists()


@pytest.mark.slow
@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory"), MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    TrainingError("the loss became nan"),
], ids=lambda error: type(error).__name__)  # fmt: skip
def test_a_trial_that_fails_by_itself_does_not_end_the_search(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails_first(*given: object, **options: object) -> Run:
        if options["name"] == "trial-000":
            raise error
        return train(*given, **options)

    monkeypatch.setattr(fastmed.tuning.trial, "train", fails_first)
    task = tiny_task("lungs", train__epochs=1)
    found = search_in(tmp_path, phantoms["lungs"], task=task, trials=2)
    assert found.trials["state"].tolist() == ["failed", "done"]


@pytest.mark.slow
def test_what_would_meet_every_trial_ends_the_search_and_counts_no_trial(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **options: object) -> Run:
        raise RunError("the disk is full")

    task = tiny_task("lungs", train__epochs=1)
    monkeypatch.setattr(fastmed.tuning.trial, "train", full)
    with pytest.raises(RunError, match="disk is full"):
        search_in(tmp_path, phantoms["lungs"], task=task, trials=2)
    monkeypatch.undo()
    assert Search.open(tmp_path / "lungs" / "a").info["reason"] == "the disk is full"
    found = search_in(tmp_path, phantoms["lungs"], task=task, trials=2)
    assert found.trials["state"].tolist() == ["done", "done"]
    assert "reason" not in found.info


@pytest.mark.slow
def test_a_search_without_any_finished_trial_says_why(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*given: object, **options: object) -> Run:
        raise MemoryError

    monkeypatch.setattr(fastmed.tuning.trial, "train", short)
    with pytest.raises(TrainingError, match="none of 2 trials came to its end; the first: the mem"):
        search_in(tmp_path, phantoms["lungs"], trials=2)
    with pytest.raises(RunError, match="has no finished run"):
        Run.open(tmp_path / "lungs" / "a")


@pytest.mark.slow
def test_a_trial_that_falls_behind_ends_early_and_leaves_no_run(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda trial: trial.number == 1)
    found = search_in(tmp_path, phantoms["lungs"], trials=2, pruner="median")
    assert found.trials["state"].tolist() == ["done", "pruned"]
    assert found.trials["epochs"].tolist() == [2, 1]
    assert not (found.path / "trial-001").exists()


@pytest.mark.slow
def test_median_pruning_is_told_of_each_epoch(phantoms: dict[str, Path], tmp_path: Path) -> None:
    search_in(tmp_path, phantoms["lungs"], trials=1, pruner="median")
    file = tmp_path / "lungs" / "a" / "study.db"
    study = optuna.load_study(study_name="lungs/a/whole", storage=f"sqlite:///{file}")
    history = Run.open(tmp_path / "lungs" / "a").history
    steps = study.trials[0].intermediate_values
    assert list(steps) == [1, 2]
    assert list(steps.values()) == pytest.approx(history["macro_f1"].tolist())


@pytest.mark.slow
def test_a_setting_of_the_images_reads_them_anew(phantoms: dict[str, Path], tmp_path: Path) -> None:
    task = tiny_task("retinopathy", train__epochs=1, train__select="mae")
    space = parse_space(["image.size=24,32", "balance.method=none,sampler"])
    options = {"task": task, "space": space, "sampler": "grid", "trials": 4, "keep": 4}
    found = search_in(tmp_path, phantoms["retinopathy"], **options)
    assert found.info["best_value"] == found.trials["value"].min()
    assert found.trials["state"].tolist() == ["done"] * 4
    sizes = {run.task.image.size for run in list_runs(tmp_path)}
    assert sizes == {24, 32}
    figures = {file.stem for file in (found.path / "figures").iterdir()}
    assert figures == {"history", "settings", "importance"}


@pytest.mark.slow
def test_a_warm_up_gives_settings_and_weights_to_what_follows(
    trained: dict[str, Run], phantoms: dict[str, Path], tmp_path: Path
) -> None:
    start = {"train__weights": str(trained["lungs"].path), "train__pretrained": True}
    task = tiny_task("lungs", train__freeze_epochs=1, train__epochs=1, **start)
    space = parse_space(["train.lr=1e-4..1e-1:log", "head.pool=avg,max", "train.lr_spread=1..9"])
    found = search_in(tmp_path, phantoms["lungs"], task=task, space=space, trials=2, warm_up=2)
    table = found.trials.set_index("stage")
    frozen, whole = table.loc["frozen"], table.loc["whole"]
    assert (len(frozen), len(whole)) == (2, 2)
    best = frozen.sort_values("value", ascending=False, kind="stable").iloc[0]
    assert whole["train.lr"].iloc[0] == best["train.lr"]
    assert whole["head.pool"].isna().all()
    first = Run.open(found.path / best["trial"])
    assert first.history["phase"].tolist() == ["frozen"]
    run = found.best_run
    assert run.history["phase"].tolist() == ["whole"]
    assert Path(run.task.train.weights) == first.path
    assert run.task.head.pool == best["head.pool"]
    assert find_task("lungs", found.path / "best.toml").train == run.task.train
    fixed = [name for name in load_file(first.weights) if name.endswith("conv1.weight")]
    given, kept = load_file(trained["lungs"].weights), load_file(first.weights)
    assert all(torch.equal(given[name], kept[name]) for name in fixed)


@pytest.mark.slow
def test_several_folders_share_the_trials_of_a_database(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = tiny_task("lungs", train__epochs=1)
    options = {"task": task, "storage": f"sqlite:///{tmp_path / 'trials.db'}", "keep": 3}
    search_in(tmp_path / "one", phantoms["lungs"], trials=2, **options)
    other = search_in(tmp_path / "two", phantoms["lungs"], trials=3, **options)
    assert len(other.trials) == 3
    assert [run.path.name for run in list_runs(tmp_path / "two")] == ["trial-002"]
    changed = {**options, "task": tiny_task("lungs", train__epochs=1, train__batch=4)}
    with pytest.raises(RunError, match="was begun with train.batch = 8, and now it is 4"):
        search_in(tmp_path / "three", phantoms["lungs"], trials=3, **changed)


@pytest.mark.slow
def test_a_process_that_was_taken_for_dead_goes_on_with_another_trial(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def silent_first(*given: object, **options: object) -> Run:
        begun.append(options["name"])
        if len(begun) == 1:
            storage = f"sqlite:///{tmp_path / 'lungs' / 'a' / 'study.db'}"
            study = optuna.load_study(study_name="lungs/a/whole", storage=storage)
            study.tell(0, state=optuna.trial.TrialState.FAIL)
        return train(*given, **options)

    monkeypatch.setattr(fastmed.tuning.trial, "train", silent_first)
    found = search_in(tmp_path, phantoms["lungs"], trials=2)
    assert begun == ["trial-000", "trial-000", "trial-002"]
    assert found.trials["state"].tolist() == ["done", "done"]


@pytest.mark.slow
def test_no_secret_of_a_url_is_said_or_written(phantoms: dict[str, Path], tmp_path: Path) -> None:
    url = "postgresql://anna:s3cret@host:5432/trials?sslpassword=s3cret"
    assert shown(url) == "postgresql://host:5432/trials"
    for wrong in (url, "s3cret", "sqlite:////no/such/s3cret-free.db?timeout=1"):
        with pytest.raises((RunError, MissingExtraError)) as refused:
            search_in(tmp_path, phantoms["lungs"], storage=wrong)
        assert "anna" not in str(refused.value)
        assert "s3cret@" not in str(refused.value)
        assert "password=" not in str(refused.value)
        assert list(tmp_path.iterdir()) == []
    place = tmp_path / "trials.db"
    found = search_in(
        tmp_path, phantoms["lungs"], trials=1, storage=f"sqlite:///{place}?detect_types=1"
    )
    assert found.info["storage"] == f"sqlite:///{place}"
    with pytest.raises(RunError, match="no URL of a database"):
        check_storage("nothing")


def test_a_search_without_optuna_says_what_to_install(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastmed.tuning.optuna_extra.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastmed\[tune\]"'):
        search_in(tmp_path, phantoms["lungs"])


def test_a_name_that_is_taken_is_left_alone(phantoms: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "lungs" / "a").mkdir(parents=True)
    with pytest.raises(RunError, match="exists already; choose another --name"):
        search_in(tmp_path, phantoms["lungs"])
    with pytest.raises(RunError, match="may hold only letters"):
        search_in(tmp_path, phantoms["lungs"], name="../b")


def test_a_folder_that_is_no_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no search: it has no search.json"):
        Search.open(tmp_path)
    (tmp_path / "search.json").write_text(json.dumps({"trials": 3}), encoding="utf-8")
    with pytest.raises(RunError, match="is not as fastmed writes it"):
        Search.open(tmp_path)
    (tmp_path / "task.json").write_text('{"name": "lungs"}', encoding="utf-8")
    with pytest.raises(RunError, match="no task to this fastmed"):
        _ = Search(tmp_path, {}).task


def test_plans_are_checked_before_any_image_is_read(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no sampler"):
        search_in(tmp_path, tmp_path / "nothing", sampler="best")
