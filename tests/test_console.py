from collections.abc import Iterator

import numpy as np
import pytest

from fastmed import console


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    before = console.log.handlers, console.log.propagate, console.log.level
    yield
    console.log.handlers, console.log.propagate, console.log.level = before


@pytest.mark.parametrize(
    ("verbosity", "heard"), [(-1, "Warning: b"), (0, "a\nWarning: b"), (1, "c\na\nWarning: b")]
)
def test_notes_go_to_stderr_as_loud_as_asked_for(
    verbosity: int, heard: str, capsys: pytest.CaptureFixture
) -> None:
    console.listen(verbosity)
    console.log.debug("c")
    console.note("a")
    console.warn("b")
    out, err = capsys.readouterr()
    assert err.strip() == heard
    assert out == ""


def test_listening_twice_says_things_once(capsys: pytest.CaptureFixture) -> None:
    console.listen()
    console.listen()
    console.note("once")
    assert capsys.readouterr().err == "once\n"


def test_a_table_shows_every_cell_as_it_is_written(capsys: pytest.CaptureFixture) -> None:
    rows = [("[bold]COVID[/bold]", 3, 0.12345, None), ("other", 12, float("nan"), np.float64(1))]
    console.print_table("Title [x]", ["class", "n", "rate", "[a]"], rows)
    said = capsys.readouterr().out
    for text in ("Title [x]", "[bold]COVID[/bold]", "0.123", "[a]", "1.000", "12"):
        assert text in said
    assert "nan" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nError: b\r", "a\\nError: b\\r"),
        ("a\u202egnp.b\u200b", "a\\u202egnp.b\\u200b"),
        ("a\udcff", "a\\udcff"),
        ("naïve 心 ½ [bold] :smile:", "naïve 心 ½ [bold] :smile:"),
        ("x" * 2000, "x" * 500 + " … " + "x" * 500),
    ],
)
def test_what_could_steer_the_terminal_is_shown_as_it_is(
    text: str, shown: str, capsys: pytest.CaptureFixture
) -> None:
    assert console.visible(text) == shown
    console.listen()
    console.note(text)
    console.print_table(text[:40], [text[:40]], [(text[:40],)])
    out, err = capsys.readouterr()
    assert err == shown + "\n"
    assert out.count(console.visible(text[:40])) == 3
    assert out.replace("\n", "").isprintable()


def test_numbers_stand_right_and_text_left(capsys: pytest.CaptureFixture) -> None:
    rows = [("ab", 1), ("abcdef", 22222)]
    console.print_table("Title", ["name", "a number"], rows)
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if "ab " in line)
    assert first.split("│")[1].startswith(" ab")
    assert first.split("│")[2].endswith("1 ")


def test_an_empty_table_has_its_head(capsys: pytest.CaptureFixture) -> None:
    console.print_table("Nothing", ["a", "b"], [])
    assert "Nothing" in capsys.readouterr().out


def test_long_cells_are_wrapped_not_cut(capsys: pytest.CaptureFixture) -> None:
    console.print_table("Title", ["path"], [("x" * 300,)])
    assert capsys.readouterr().out.count("x") == 300


def test_progress_yields_everything_and_speaks_seldom_in_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    console.listen()
    clock = iter(range(0, 1000, 7))
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    assert list(console.progress(range(9), "Reading", 9)) == list(range(9))
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("Reading: ") for line in lines)
    assert len(lines) < 5


def test_progress_takes_no_name_for_markup() -> None:
    bar = console.progress_bar()
    bar.add_task("Reading [bold]x[/bold] [/oops]")
    assert str(bar.columns[0].render(bar.tasks[0])) == "Reading [bold]x[/bold] [/oops]"


def test_progress_on_a_terminal_is_a_bar_that_vanishes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    assert list(console.progress(iter("abc"), "Reading", 3)) == list("abc")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "wrapped",
    [
        "a.png: the file is empty",
        "Exception occured in `KeepBest` when calling event `after_epoch`:\n\t"
        "a.png: the file is empty",
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call "
        "last):\n  File x, line 1\nfastmed.errors.DataError: a.png: the file is empty\n",
        "a.png: the file\nis empty",
    ],
)
def test_an_errors_own_sentence_is_found(wrapped: str) -> None:
    assert console.clear_sentence(ValueError(wrapped)) == "a.png: the file is empty"
