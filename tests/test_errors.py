"""Words of clear sentences."""

from fastmed.errors import listed, nearest


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("covid", ["COVID", "normal"]) == "; did you mean 'COVID'?"
    assert nearest("Normol", ["COVID", "normal"]) == "; did you mean 'normal'?"
    assert nearest("x", ["COVID", "normal"]) == ""
    assert nearest("3", [1, 30]) == "; did you mean '30'?"


def test_long_lists_are_cut_and_counted() -> None:
    assert listed("abc") == "'a', 'b', 'c'"
    assert listed("abc", 2) == "'a', 'b' and 1 more"
