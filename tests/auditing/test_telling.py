"""How well something tells the class, against scikit-learn and simulated chance."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fastmed.auditing import telling
from fastmed.auditing.telling import auc_and_influence, how_well_told


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TREES", 10)


def test_auc_is_that_of_scikit_learn_and_the_influence_is_delongs():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.4
    scores = np.round(rng.normal(positive, 1), 1)
    auc, influence = auc_and_influence(scores, positive)
    assert auc == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    wins = (scores[positive][:, None] > scores[~positive]) + 0.5 * (
        scores[positive][:, None] == scores[~positive]
    )
    delong = wins.mean(axis=1).var() / positive.sum() + wins.mean(axis=0).var() / (~positive).sum()
    assert (influence**2).sum() == pytest.approx(delong, rel=1e-9)


def test_chance_is_calibrated_where_images_come_in_blocks():
    """The usual test calls a third of such scores significant at 5%; this one does not."""
    rng = np.random.default_rng(1)
    blocks = np.repeat(np.arange(40), 8)
    positive = blocks % 2 == 0
    clustered, plain = [], []
    for _ in range(300):
        scores = rng.normal(size=40)[blocks] + 0.3 * rng.normal(size=320)
        auc, influence = auc_and_influence(scores, positive)
        clustered.append(telling._chance(auc, influence, blocks))
        plain.append(norm.sf((auc - 0.5) / np.sqrt((influence**2).sum())))
    assert np.mean(np.array(plain) < 0.05) > 0.2
    assert 0.02 < np.mean(np.array(clustered) < 0.05) < 0.09


def told(features: pd.DataFrame, blocks: np.ndarray):
    targets = pd.Series(np.where(np.arange(len(features)) % 2, "1", "0"))
    return how_well_told(features, targets, pd.Series(blocks))


def test_a_feature_that_tells_is_found_and_noise_is_not():
    rng = np.random.default_rng(2)
    odd = np.arange(120) % 2
    shape = pd.DataFrame({"width": odd * 2 + rng.normal(0, 0.3, 120), "suffix": "png"})
    found = told(shape, np.arange(120))
    assert found.macro > 0.95
    assert found.p < 1e-4
    assert found.words.startswith("AUROC 0.9") or found.words.startswith("AUROC 1.0")
    noise = told(pd.DataFrame({"width": rng.normal(size=120)}), np.arange(120))
    assert noise.best < 0.7


def test_images_of_a_block_never_teach_each_other():
    """A number of the patient tells the class only to those who saw the patient."""
    blocks = np.repeat(np.arange(30), 4)
    targets = pd.Series(np.where(np.random.default_rng(3).random(30) < 0.5, "a", "b")[blocks])
    features = pd.DataFrame({"patient": (blocks * 37 % 30).astype(float)})
    found = how_well_told(features, targets, pd.Series(blocks))
    alone = how_well_told(features, targets, pd.Series(np.arange(120)))
    assert alone.macro > 0.85
    assert found.macro < 0.75


def test_too_few_images_or_patients_are_not_judged():
    features = pd.DataFrame({"width": np.arange(18)})
    assert told(features, np.arange(18)) is None
    assert told(pd.DataFrame({"width": np.arange(80)}), np.arange(80) % 4) is None
