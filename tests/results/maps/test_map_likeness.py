import numpy as np
import pytest
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from fastmed.results.maps.likeness import rank_correlations, structural_similarities, verdict

DRAWN = np.random.default_rng(0).random((3, 40, 40))
OTHER = 0.6 * DRAWN + 0.4 * np.random.default_rng(1).random((3, 40, 40))


def test_rank_correlation_is_scipys() -> None:
    tied = np.round(DRAWN, 1)
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(tied, OTHER, strict=True)]
    np.testing.assert_allclose(rank_correlations(tied, OTHER), expected)
    assert rank_correlations(np.zeros((1, 4, 4)), DRAWN[:1, :4, :4]).tolist() == [0]


def test_ssim_is_scikit_images() -> None:
    expected = [
        structural_similarity(
            a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(DRAWN, OTHER, strict=True)
    ]
    np.testing.assert_allclose(structural_similarities(DRAWN, OTHER), expected, rtol=1e-6)
    assert structural_similarities(DRAWN, DRAWN) == pytest.approx([1, 1, 1])


def test_verdicts() -> None:
    assert [verdict(one).split(" on")[0] for one in (0.1, 0.6, 0.9)] == [
        "depends", "depends little", "does not depend",
    ]  # fmt: skip
