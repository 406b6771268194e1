"""What a TIFF announces is known before it is decoded."""

import io
import struct

import numpy as np
import pytest
from tiff_maker import tiff

from fastmed.data.pixels.scaling import UnreadableError
from fastmed.data.pixels.tiff import page_places, read_page

GREY = np.zeros((3, 5), np.uint8)


def pages(content: bytes) -> list:
    file = io.BytesIO(content)
    places = page_places(file)
    return [read_page(file, number, places) for number in range(len(places))]


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_page_says_what_it_is(order: str):
    first, second, third = pages(
        tiff(GREY, np.zeros((4, 6, 3), np.float32), GREY.astype(np.int16), order=order)
    )
    assert (first.number, first.of, first.width, first.height) == (0, 3, 5, 3)
    assert (first.samples, first.bits, first.kind, first.deep) == (1, 8, 1, False)
    assert (second.number, second.samples, second.bits, second.kind) == (1, 3, 32, 3)
    assert second.bytes == 4 * 6 * 3 * 4
    assert second.deep
    assert (third.kind, third.deep) == (2, True)


@pytest.mark.parametrize(
    "values, settings, deep",
    [
        (GREY.astype(np.uint16), {}, False),
        (GREY.astype(np.uint16), {"meaning": 0}, True),
        (GREY, {"meaning": 0}, False),
        (np.zeros((2, 2, 3), np.uint16), {}, True),
        (np.zeros((2, 2, 4), np.uint16), {"meaning": 5}, False),
    ],
)
def test_deep_is_what_pillow_would_take_amiss(values: np.ndarray, settings: dict, deep: bool):
    assert pages(tiff(values, **settings))[0].deep == deep


def test_bigtiff():
    tags = [(256, 7), (257, 9), (258, 8), (262, 1), (277, 1)]
    entries = b"".join(struct.pack("<HHQQ", tag, 3, 1, value) for tag, value in tags)
    content = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags)) + entries + bytes(8)
    (page,) = pages(content)
    assert (page.width, page.height, page.bits, page.of) == (7, 9, 8, 1)


def test_a_directory_without_a_size_is_broken():
    content = b"II*\0" + struct.pack("<LHHHLLL", 8, 1, 258, 3, 1, 8, 0)
    with pytest.raises(UnreadableError, match="directory of its page is broken"):
        pages(content)


def test_a_file_without_a_page():
    with pytest.raises(UnreadableError, match="has no page"):
        pages(b"II*\0" + bytes(4))
