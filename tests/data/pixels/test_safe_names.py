import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmed.data.pixels.safe_names import mirrored, safe_name

PARTS = st.lists(st.text(min_size=1).map(lambda t: t.replace("/", "x")), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("train/a.jpeg", "train/a.png"),
        ("train/A b.DCM", "train/A b.png"),
        ("1.2.840.113619.2.5", "1.2.840.113619.2.5.png"),
        ("scan.nii", "scan.nii.png"),
        ("train.npz/data/12", "train.npz/data/12.png"),
        ("../../etc/passwd", "_/_/etc/passwd.png"),
        (".hidden/.x.png", "_hidden/_x.png"),
        ("con/nul.png", "_con/_nul.png"),
        ("COM1.jpg", "_COM1.png"),
        ('a<b>c:"d|?*.png', "a_b_c__d___.png"),
        ("a\\b.png", "a_b.png"),
        ("trailing. /x .png", "trailing/x.png"),
        ("right\u202etfel.png", "right_tfel.png"),
        ("line\nbreak\x1b[0m.png", "line_break_[0m.png"),
        ("=1+1.png", "=1+1.png"),
        (".", "_.png"),
    ],
)
def test_names_mirror_the_source(path: str, new: str) -> None:
    assert mirrored([path], ".png") == [new]


def test_names_that_some_system_takes_for_one_are_told_apart() -> None:
    composed, parted = "é.png", unicodedata.normalize("NFD", "é.png")
    paths = ["a.jpg", "A.png", "a.png", composed, parted, "x/B.png", "X/b.png"]
    new = mirrored(paths, ".png")
    assert new == ["a.png", "A-2.png", "a-3.png", "é.png", "é-2.png", "x/B.png", "X/b-2.png"]


def test_number_does_not_take_the_name_of_another_image() -> None:
    assert mirrored(["a.jpg", "a.png", "a-2.png"], ".png") == ["a.png", "a-3.png", "a-2.png"]


def test_file_does_not_take_the_name_of_a_folder() -> None:
    assert mirrored(["a.png/b.jpg", "a"], ".png") == ["a.png/b.png", "a-2.png"]


def test_long_names_are_cut_and_stay_apart() -> None:
    first, second = mirrored([f"{'ü' * 300}a.png", f"{'ü' * 300}b.png"], ".png")
    assert first != second
    assert len(first.encode()) < 130


@given(st.lists(PARTS.map("/".join), min_size=1, max_size=6, unique=True))
def test_any_names_become_distinct_and_harmless(paths: list[str]) -> None:
    new = mirrored(paths, ".png")
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in new}) == len(paths)
    for name in new:
        assert name.isprintable()
        assert not set(name) & set('<>:"|?*\\')
        for part in name.split("/"):
            assert part
            assert part[0] != "."
            assert part.strip() == part
            assert not part.endswith(".")


def test_plain_names_stay() -> None:
    plain = string.ascii_letters + string.digits + "-_ (),;+=@~"
    assert safe_name(plain) == plain
