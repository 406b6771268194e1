import numpy as np
import pytest
from made_study import made_study, made_task

from fastmed.data_study import remarks
from fastmed.data_study.story import Study

SIDES = np.repeat([0, 1], 100)
KNOWN = {"group": [f"p{n}" for n in range(200)]}


def said(study: Study) -> str:
    return "\n".join(f"{remark.level}: {remark.text}" for remark in study.remarks())


def test_harmless_data_are_not_warned_of() -> None:
    random = np.random.default_rng(1)
    columns = {"meta_sex": random.choice(["F", "M"], 200), "meta_age": random.normal(60, 9, 200)}
    found = made_study(**KNOWN, **columns).remarks()
    assert [remark.text[:30] for remark in found if remark.level == "warning"] == []
    assert "200 patients are known, each with one image." in said(made_study(**KNOWN))


def test_format_that_tells_the_class_is_a_possible_shortcut() -> None:
    study = made_study(**KNOWN, format=np.where(SIDES, "JPEG", "PNG"))
    text = said(study)
    assert "warning: Possible shortcut: the files tell the class, by file format (V = 1.00)" in text
    assert "100% of the 100 images with file format" in text


def test_view_that_differs_is_a_possible_shortcut_with_its_reason() -> None:
    view = np.where((np.arange(200) % 10 < 8) == SIDES.astype(bool), "AP", "PA")
    text = said(made_study(**KNOWN, meta_view=view))
    assert "warning: Possible shortcut: View differs between the classes (V = 0.60)" in text
    assert "it AP films" not in text
    assert "AP films are of sicker patients" in text
    assert "80% of the 100 images with view" in text


def test_age_that_differs_is_a_note() -> None:
    age = 40 + 20 * SIDES + np.random.default_rng(0).normal(0, 3, 200)
    text = said(made_study(**KNOWN, meta_age=age))
    assert "note: Age (years) differs between the classes" in text


def test_weak_or_rare_differences_are_not_said() -> None:
    few = np.where(np.arange(200) == 0, "LL", "PA")
    assert "View" not in said(made_study(**KNOWN, meta_view=few))


def test_origin_that_differs_is_a_possible_shortcut() -> None:
    origin = np.where(SIDES & (np.arange(200) % 2 == 0), "extra", "main")
    assert "Possible shortcut: Origin differs" in said(made_study(**KNOWN, origin=origin))


def test_patients() -> None:
    assert "warning: Nothing is known about patients" in said(made_study())
    group = [f"p{n % 90}" if n < 180 else "" for n in range(200)]
    text = said(made_study(group=group))
    assert "90 patients are known, 90 with several images (at most 2); of 20 images" in text
    assert "80 patients have images of several classes." in text


@pytest.mark.parametrize(
    ("balance", "made_up"),
    [
        ({}, "nothing makes up for it (balance.method = 'none')"),
        ({"method": "class_weights"}, "the loss weights the classes"),
        (
            {"method": "per_class", "count": 300},
            "balance.count asks for more images than there are",
        ),
    ],
)
def test_imbalance_and_what_is_done_about_it(balance: dict, made_up: str) -> None:
    split = np.where(SIDES & (np.arange(200) % 4 > 0), "test", "train")
    text = said(made_study(made_task(balance=balance), **KNOWN, split=split))
    assert f"4.0 times as many images of 'no' (100) as of 'yes' (25); {made_up}." in text


def test_parts_with_few_images() -> None:
    assert "The valid part has only 20 images of 'no'" in said(made_study(**KNOWN))
    assert "The test part" not in said(made_study(**KNOWN))


def test_images_that_are_enlarged() -> None:
    assert "smaller" not in said(made_study(**KNOWN))
    text = said(made_study(made_task(image={"size": 128}), **KNOWN))
    assert "200 of 200 images are smaller than the network's input of 128 x 128 pixels" in text


def test_ages_that_cannot_be_right() -> None:
    text = said(made_study(**KNOWN, meta_age=np.where(np.arange(200) < 3, 414.0, 50.0)))
    assert "warning: 3 ages can't be right, such as 414 years." in text


def test_images_that_are_left_out() -> None:
    out = np.arange(200) < 4
    columns = {"split": np.where(out, "left_out", "train"), "note": np.where(out, "no file", "")}
    assert "4 of 200 images are left out, most of them for: no file (4)" in said(
        made_study(**KNOWN, **columns)
    )


def test_every_rule_has_a_text_that_says_what_it_does() -> None:
    assert len(set(remarks.RULES)) == len(remarks.RULES)
    assert all(rule.__doc__ for rule in remarks.RULES)
