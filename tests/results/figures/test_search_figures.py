import numpy as np
import pandas as pd
import pytest

from fastmed.results.figures.search import (
    Scale,
    history_figure,
    importance_figure,
    settings_figure,
)


@pytest.fixture
def trials() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": ["frozen", "frozen", "whole", "whole", "whole", "whole"],
            "state": ["done", "done", "done", "pruned", "failed", "done"],
            "value": [0.5, 0.4, 0.6, 0.3, np.nan, 0.7],
            "train.lr": [1e-3, 1e-2, 1e-4, 1e-3, 1e-2, 1e-3],
            "train.opt": ["sgd", "adamw", "sgd", "sgd", "sgd", "adamw"],
        }
    )


def lines_of(axes) -> dict:
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize(("higher", "best"), [(True, [0.5, 0.5]), (False, [0.5, 0.4])])
def test_history_shows_every_trial_and_the_best_so_far_in_each_stage(trials, higher, best):
    (axes,) = history_figure(trials, "auroc", higher).axes
    lines = lines_of(axes)
    assert lines["trained to the end"].get_xdata().tolist() == [1, 2, 3, 6]
    early = lines["ended early, at the edge if far off"]
    assert early.get_xdata().tolist() == [4]
    assert early.get_ydata().tolist() == [0.3]
    assert lines["failed"].get_xdata().tolist() == [5]
    assert lines["best so far"].get_ydata().tolist() == best
    assert lines["frozen before, whole after"].get_xdata()[0] == 2.5
    assert axes.get_ylabel() == "AUROC, validation part"


def test_a_trial_that_ended_far_off_is_drawn_at_the_edge(trials):
    far = trials.assign(value=trials["value"].where(trials["state"] != "pruned", -40))
    (axes,) = history_figure(far, "auroc", True).axes
    (value,) = lines_of(axes)["ended early, at the edge if far off"].get_ydata()
    assert value == pytest.approx(0.4 - 2 * 0.3)


def test_settings_have_a_panel_each_over_all_that_was_tried(trials):
    scales = {
        "train.lr": Scale((1e-5, 1e-1), log=True),
        "train.opt": Scale(choices=("adamw", "sgd", "lamb")),
    }
    rate, optimizer = settings_figure(trials, scales, "auroc").axes[:2]
    assert rate.get_xscale() == "log"
    least, most = rate.get_xlim()
    assert least < 1e-5
    assert most > 1e-1
    names = [label.get_text() for label in optimizer.get_xticklabels()]
    assert names == ["adamw", "sgd", "lamb"]
    assert lines_of(optimizer)["trained to the end"].get_xdata().tolist() == [1, 0, 1, 0]


def test_importance_is_ranked():
    weights = {"train.lr": 0.2, "head.dropout": 0.7, "train.opt": 0.1}
    (axes,) = importance_figure(weights, 12, "valid_loss").axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["train.opt", "train.lr", "head.dropout"]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.2, 0.7]
