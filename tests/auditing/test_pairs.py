"""Copies are found in any variant, and others are not."""

import numpy as np
import pytest
from audited import as_jpeg, picture
from PIL import Image, ImageEnhance

from fastmed.auditing.measures import measured, packed, unpacked
from fastmed.auditing.pairs import SMALL, near_pairs
from fastmed.auditing.prints import prints_of
from fastmed.data.store.decoding import Place
from fastmed.settings.image import ImageSettings


def small(grey: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(grey).resize((SMALL, SMALL), Image.Resampling.BOX))


def pairs_of(pictures: list[np.ndarray], **options: int) -> set[tuple[int, int]]:
    prints = np.stack([prints_of(np.ascontiguousarray(one)) for one in pictures])
    found = near_pairs(prints, np.stack([small(one) for one in pictures]), **options)
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


@pytest.mark.parametrize(
    "copy",
    [
        as_jpeg,
        lambda grey: grey[:, ::-1],
        lambda grey: grey[::-1, ::-1],
        np.rot90,
        lambda grey: np.rot90(grey, 3)[:, ::-1],
        lambda grey: 255 - grey,
        lambda grey: 255 - as_jpeg(grey)[::-1],
        lambda grey: np.asarray(Image.fromarray(grey).resize((24, 24), Image.Resampling.BOX)),
        lambda grey: np.asarray(ImageEnhance.Brightness(Image.fromarray(grey)).enhance(1.15)),
    ],
    ids=[
        "jpeg",
        "mirrored",
        "turned",
        "quarter",
        "transverse",
        "inverted",
        "all",
        "half",
        "bright",
    ],
)
def test_a_copy_is_found_among_others(copy):
    pictures = [picture(seed) for seed in range(30)]
    changed = np.ascontiguousarray(copy(picture(7)))
    assert pairs_of([*pictures, changed]) == {(7, 30)}


def test_many_copies_end_the_search():
    assert len(pairs_of([picture(1)] * 12, most=5)) == 5


def test_even_images_are_no_copies_of_each_other():
    noise = np.random.default_rng(0)
    even = [np.full((48, 48), 200, np.uint8) + noise.integers(0, 2, (48, 48), dtype=np.uint8)
            for _ in range(4)]  # fmt: skip
    assert pairs_of(even) == set()


def test_measures_are_kept_whole(tmp_path):
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    content = measured(Place(tmp_path, "a.png"), ImageSettings())
    found = unpacked(content)
    assert packed(found) == content
    assert (found.told["width"], found.told["suffix"], found.told["reason"]) == (48, ".png", "")
    (tmp_path / "b.png").write_bytes(b"")
    assert unpacked(measured(Place(tmp_path, "b.png"), ImageSettings())) == "the file is empty"
