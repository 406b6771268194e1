"""Features of images laid out on a plane, so that images with like features lie close."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

from fastmed.errors import DataError

LEAST = 10  # images, below which neighbours say nothing
NEIGHBOURS = 10
COMPONENTS = 50
PERPLEXITY = 30.0


@dataclass(frozen=True)
class Layout:
    """Places on a plane, and what is to be known of them.

    Attributes:
        places: (n, 2).
        facts: ``features`` of an image, principal ``components`` and the share of the variance
            they ``kept``, ``perplexity``, ``trustworthiness`` of the plane, and which share of an
            image's nearest ``neighbours`` in the features ``agrees`` with its class, beside the
            share ``by_chance``.
    """

    places: np.ndarray
    facts: dict[str, Any]


def lay_out(features: np.ndarray, true: np.ndarray, seed: int) -> Layout:
    """Return places of features, (n, C), by principal components and t-SNE.

    t-SNE: van der Maaten and Hinton (JMLR 2008), begun with the principal components, which keeps
    more of the whole (Kobak and Berens, Nature Communications 2019). Trustworthiness (Venna and
    Kaski, 2001) is 1 if all neighbours on the plane are neighbours in the features.

    Args:
        features: of images, at least `LEAST`.
        true: the class of each, (n,).
        seed: the same one gives the same places.

    Raises:
        DataError: there are too few images, or their features are all the same.
    """
    if len(features) < LEAST:
        raise DataError(f"an embedding map takes {LEAST} images or more, not {len(features)}")
    features = features.astype(np.float64)
    if not np.ptp(features, axis=0).any():
        raise DataError("the network has the same features for every image; there is no map")
    components = min(COMPONENTS, *features.shape, len(features) - 1)
    first = PCA(components, svd_solver="full", random_state=seed)
    main = first.fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init=_start(main), random_state=seed)
    places = _upright(np.asarray(plane.fit_transform(main), dtype=np.float64))
    nearest = min(NEIGHBOURS, len(features) // 2 - 1)
    facts = {
        "features": features.shape[1],
        "components": components,
        "kept": float(first.explained_variance_ratio_.sum()),
        "perplexity": perplexity,
        "trustworthiness": float(trustworthiness(features, places, n_neighbors=nearest)),
        "neighbours": nearest,
        **_agreement(features, true, nearest),
    }
    return Layout(places, facts)


def _start(main: np.ndarray) -> np.ndarray:
    """Return where t-SNE begins: the first two components, small."""
    two = np.pad(main[:, :2], ((0, 0), (0, max(2 - main.shape[1], 0))))
    return np.asarray(two / np.std(two[:, 0]) * 1e-4, dtype=np.float32)


def _upright(places: np.ndarray) -> np.ndarray:
    """Return the same places turned so that they are widest across, as directions mean nothing."""
    return np.asarray(PCA(2, svd_solver="full").fit_transform(places))


def _agreement(features: np.ndarray, true: np.ndarray, nearest: int) -> dict[str, float]:
    """Return the share of an image's neighbours that are of its class, and the one by chance."""
    found = NearestNeighbors(n_neighbors=nearest).fit(features).kneighbors(return_distance=False)
    counts = np.bincount(true)
    chance = float((counts * (counts - 1)).sum()) / (len(true) * (len(true) - 1))
    return {"agrees": float((true[found] == true[:, None]).mean()), "by_chance": chance}
