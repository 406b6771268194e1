import subprocess
import sys

import matplotlib.image
import pytest

from fastmed.results.figures.style import DPI, new_figure, plain, save, with_count, wrapped


def test_save_writes_a_whole_png(tmp_path):
    figure, _ = new_figure("A title", (3, 2))
    save(figure, tmp_path / "figures" / "one.png")
    assert [file.name for file in (tmp_path / "figures").iterdir()] == ["one.png"]
    picture = matplotlib.image.imread(tmp_path / "figures" / "one.png")
    assert picture.shape[:2] == (2 * DPI, 3 * DPI)


def test_figures_need_neither_pyplot_nor_torch():
    code = (
        "import sys; import fastmed.results.figures.predictions; "
        "print([name for name in ('torch', 'fastai', 'matplotlib.pyplot') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_axes_come_row_by_row():
    figure, axes = new_figure("A title", (4, 4), (2, 3))
    assert len(axes) == 6
    assert [one.get_subplotspec().num1 for one in axes] == list(range(6))
    assert figure.get_suptitle() == "A title"


@pytest.mark.parametrize(
    ("text", "width", "lines", "expected"),
    [
        ("Normal", 14, 3, "Normal"),
        ("No Lung Opacity / Not Normal", 14, 4, "No Lung\nOpacity / Not\nNormal"),
        ("in_situ_and_more", 8, 3, "in_situ_\nand_more"),
        ("abcdefghij", 4, 3, "abcd\nefgh\nij"),
        ("one two three four five", 5, 3, "one\ntwo\nthre…"),
        ("one two three four", 5, 2, "one\ntwo…"),
        ("", 5, 3, ""),
        ("$5", 5, 3, r"\$5"),
    ],
)
def test_wrapped(text, width, lines, expected):
    assert wrapped(text, width, lines) == expected


def test_plain_text_has_no_formulas():
    figure, (axes,) = new_figure(r"a $\broken{ formula$", (3, 2))
    axes.set_title(plain(r"$\broken{$"))
    axes.set_xlabel(with_count(r"$\broken{$", 12))
    figure.draw_without_rendering()
    assert axes.get_xlabel().endswith("\nn = 12")


def test_a_long_title_is_wrapped_into_the_figure():
    title = "A title that is much longer than its figure is wide"
    figure, _ = new_figure(title, (3, 2))
    figure.draw_without_rendering()
    assert figure.get_suptitle().replace("\n", " ") == title
    assert figure.get_tightbbox().x1 <= 3
