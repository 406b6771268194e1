import json

import numpy as np
import pytest
from made_members import LUNGS, said
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from fastmed.data.tables import grades_of, scores_of
from fastmed.ensembles.stacking import Stack, features_of, fit_stack
from fastmed.errors import DataError


def test_it_is_the_regression_of_scikit_learn_in_numbers_alone() -> None:
    tables = [said(LUNGS, 200, seed) for seed in (1, 2)]
    true = grades_of(tables[0]["target"], LUNGS)
    features = features_of([scores_of(one, LUNGS) for one in tables])
    stack = fit_stack(features, true, 3)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(features), true)
    expected = model.predict_proba(scaler.transform(features))
    again = Stack.model_validate(json.loads(json.dumps(stack.as_info())))
    assert again.probabilities(features) == pytest.approx(expected, abs=1e-9)


def test_two_classes_and_one_that_is_never_seen() -> None:
    table = said(LUNGS, 300, 3)
    rows = table[table["target"] != "COVID"]
    true, features = grades_of(rows["target"], LUNGS), features_of([scores_of(rows, LUNGS)])
    found = fit_stack(features, true, 3).probabilities(features)
    model = LogisticRegression().fit(StandardScaler().fit_transform(features), true)
    expected = model.predict_proba(StandardScaler().fit_transform(features))
    assert found[:, [0, 2]] == pytest.approx(expected, abs=1e-5)
    assert found[:, 1].max() < 1e-9


def test_it_believes_the_better_member_more() -> None:
    good, poor = said(LUNGS, 400, 1, gain=4), said(LUNGS, 400, 2, gain=0.1)
    true = grades_of(good["target"], LUNGS)
    outputs = [scores_of(one, LUNGS) for one in (poor, good)]
    found = fit_stack(features_of(outputs), true, 3).probabilities(features_of(outputs))
    assert log_loss(true, found) < log_loss(true, np.mean(outputs, axis=0))


def test_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="at least two classes in the validation part"):
        fit_stack(np.zeros((3, 2)), np.array([1, 1, -1]), 3)


@pytest.mark.parametrize(
    "change",
    [{"spread": [0.0] * 3}, {"intercepts": [0.0]}, {"centre": [0.0]}, {"code": "x"}],
)
def test_numbers_that_don_t_fit_together_are_refused(change: dict) -> None:
    table = said(LUNGS, 60)
    stack = fit_stack(features_of([scores_of(table, LUNGS)]), grades_of(table["target"], LUNGS), 3)
    with pytest.raises(ValueError, match=r"."):
        Stack.model_validate({**stack.as_info(), **change})
