import optuna
import pytest
from conftest import tiny_task

from fastmed.errors import ModelError, TaskError
from fastmed.settings.tune import Range, parse_space
from fastmed.tuning.plan import Plan, checked
from fastmed.tuning.sampling import make_sampler
from fastmed.tuning.space import (
    changes_of,
    check_stage,
    default_space,
    frozen_stage,
    suggest,
    unfrozen_stage,
    whole_stage,
    with_space,
)

MIXED = [
    "train.lr=1e-4..1e-2:log",
    "train.batch=8..32:8",
    "train.ema=none,0.9",
    "head.hidden=[[], [256]]",
    "train.channels_last=true,false",
    "head.pool=avg,max",
]
FROZEN = {"train__pretrained": True, "train__freeze_epochs": 2}


def spaced(*lines: str, **changes: object):
    return with_space(tiny_task("lungs", **changes), parse_space([*lines]))


def studied(stage, trials: int, sampler: str = "random") -> list[dict]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=make_sampler(Plan(sampler=sampler)))
    found = []
    study.optimize(lambda trial: len(found.append(suggest(trial, stage)) or ""), trials)
    assert [changes_of(trial.params, stage) for trial in study.trials] == found
    return found


def test_every_point_is_within_the_space_and_a_task():
    stage = whole_stage(spaced(*MIXED), 20)
    points = studied(stage, 20)
    for point in points:
        task = stage.task.with_changes(point)
        assert 1e-4 <= task.train.lr <= 1e-2
        assert task.train.batch in (8, 16, 24, 32)
    assert {point["train.ema"] for point in points} == {None, 0.9}
    assert {str(point["head.hidden"]) for point in points} == {"[]", "[256]"}
    assert {point["train.channels_last"] for point in points} == {True, False}


def test_a_grid_is_gone_through():
    stage = whole_stage(spaced("train.batch=8..24:8", "head.pool=avg,max"), 6)
    points = studied(stage, 6, "grid")
    assert len({(point["train.batch"], point["head.pool"]) for point in points}) == 6


def test_without_a_space_there_is_a_small_one():
    task = tiny_task("lungs", train__lr=0.01)
    assert set(default_space(task)) == {"train.lr", "train.weight_decay", "head.dropout"}
    assert default_space(task)["train.lr"] == Range(low=0.001, high=0.1, log=True)
    assert "train.lr_spread" in default_space(tiny_task("lungs", train__pretrained=True))
    assert with_space(task).tune.space == default_space(task)
    own = task.with_changes({"tune.space": {"train.opt": ["adamw", "sgd"]}})
    assert set(with_space(own).tune.space) == {"train.opt"}
    assert set(with_space(own, parse_space(["head.pool=avg,max"])).tune.space) == {"head.pool"}


def test_the_warm_up_trains_frozen_epochs_by_what_matters_to_them():
    task = spaced(*MIXED, "train.lr_spread=1..10", train__patience=None, **FROZEN)
    stage = frozen_stage(task, 3)
    assert "train.lr_spread" not in stage.space
    assert (stage.task.train.epochs, stage.task.train.all_epochs) == (0, 2)
    best = {"train.lr": 1e-3, "head.pool": "max", "head.hidden": [256]}
    after = unfrozen_stage(task, 3, best, "runs/a")
    assert {"head.pool", "head.hidden"}.isdisjoint(after.space)
    assert {"train.lr", "train.lr_spread"} <= set(after.space)
    assert (after.task.head.pool, after.task.head.hidden) == ("max", (256,))
    assert (after.task.train.weights, after.task.train.freeze_epochs) == ("runs/a", 0)
    assert task.with_changes(after.changes) == after.task


@pytest.mark.parametrize("lines", [["train.lr_spread=1..10"], ["train.schedule=cosine,step"]])
def test_a_warm_up_without_anything_to_search_is_refused(lines: list[str]):
    with pytest.raises(TaskError, match="nothing to search"):
        frozen_stage(spaced(*lines, **FROZEN), 2)


def test_a_space_without_any_task_in_it_is_refused():
    never = spaced("train.mixup=0.1,0.2", "train.cutmix=0.1,0.2")
    with pytest.raises(TaskError, match="no combination of the space is a task, as the first"):
        check_stage(whole_stage(never, 2), 0)
    check_stage(whole_stage(spaced("train.mixup=0,0.2", "train.cutmix=0,0.2"), 2), 0)


def test_a_network_that_is_unknown_is_refused_before_any_trial():
    with pytest.raises(ModelError, match="no backbone 'test_resnett'"):
        check_stage(whole_stage(spaced("train.arch=test_resnet,test_resnett"), 2), 0)


@pytest.mark.parametrize(
    ("plan", "changes", "sentence"),
    [
        (Plan(trials=0), {}, "--trials 0: at least one"),
        (Plan(keep=0), {}, "--keep 0: at least one"),
        (Plan(warm_up=-1), {}, "--warm-up -1"),
        (Plan(seed=-1), {}, "--seed -1"),
        (Plan(sampler="tpee"), {}, "no sampler 'tpee'; did you mean 'tpe'?"),
        (Plan(pruner="mean"), {}, "no pruner 'mean'"),
        (Plan(pruner="median"), {"train__epochs": 1}, "--pruner median has no effect"),
        (Plan(warm_up=2), {}, "never frozen"),
        (Plan(warm_up=2), {"train__pretrained": True}, "and it has none"),
        (Plan(warm_up=2), {**FROZEN, "train__epochs": 0}, "never unfrozen"),
        (Plan(sampler="grid"), {}, "train.lr = 0.0001..0.01:log has no steps"),
    ],
)
def test_plans_without_sense_are_refused(plan: Plan, changes: dict, sentence: str):
    with pytest.raises(TaskError) as refused:
        checked(plan, spaced("train.lr=1e-4..1e-2:log", **changes))
    assert sentence in str(refused.value)


def test_a_grid_has_as_many_trials_as_points():
    task = spaced("train.batch=8..24:8", "head.pool=avg,max")
    with pytest.raises(TaskError, match="the grid has 6 points"):
        checked(Plan(trials=7, sampler="grid"), task)
    assert checked(Plan(trials=6, sampler="grid"), task).pruner == "median"
    assert checked(Plan(), spaced("head.pool=avg,max", train__epochs=1)).pruner == "none"


def test_a_sampler_that_is_made_again_goes_on_as_it_would_have():
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def search(pieces: list[int]) -> list[float]:
        storage = optuna.storages.InMemoryStorage()
        for piece in pieces:
            study = optuna.create_study(
                storage=storage, study_name="a", sampler=make_sampler(Plan()), load_if_exists=True
            )
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1) ** 2, piece)
        return [trial.params["x"] for trial in study.trials]

    whole = search([14])
    assert whole == search([3, 9, 2])
    assert len(set(whole)) == 14
