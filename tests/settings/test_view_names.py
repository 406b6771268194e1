import pytest
from conftest import tiny_task

from fastmed.errors import TaskError
from fastmed.settings.views import Step, check_views, read_view, view_name


def test_a_view_is_one_step_or_several():
    assert read_view("hflip") == (Step("hflip"),)
    assert read_view(" hflip + rotate = -5.0 ") == (Step("hflip"), Step("rotate", -5))
    assert view_name("hflip+ rotate=5.00") == "hflip+rotate=5"
    assert check_views(["plain", "scale=1.10"]) == ["plain", "scale=1.1"]


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        ("hflop", "no view 'hflop'; did you mean 'hflip'"),
        ("rotat=5", "no view 'rotat'; did you mean 'rotate'"),
        ("", "no view ''; known are plain, hflip"),
        ("hflip=1", "the view hflip takes no amount"),
        ("rotate", "rotate needs an amount from -45 to 45, as in 'rotate=5'$"),
        ("rotate=50", "from -45 to 45, as in 'rotate=5', not '50'"),
        ("scale=nan", "not 'nan'"),
        ("gamma=bright", "not 'bright'"),
        ("crop_center=1", "crop_center=1 changes nothing; leave it out or take plain"),
        ("brightness=1.0", "brightness=1 changes nothing"),
        ("plain+hflip", "plain changes nothing in the view 'plain\\+hflip'"),
        ("rotate=5+rotate=6", "a step stands twice"),
    ],
)
def test_what_is_no_view_is_refused_with_a_reason(view: str, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        read_view(view)


def test_a_view_stands_once_however_it_is_written():
    with pytest.raises(ValueError, match="a view stands twice in rotate=5,rotate=5"):
        check_views(["rotate=5", "rotate = 5.0"])
    with pytest.raises(ValueError, match="no view is named"):
        check_views([])


def test_the_task_knows_views_and_how_they_are_averaged():
    task = tiny_task("lungs", predict__views=["plain", "hflip+rotate=5.0"])
    assert task.predict.views == ("plain", "hflip+rotate=5")
    assert tiny_task("lungs", predict__views=["plain", "hflip"], predict__average="logits")
    with pytest.raises(TaskError, match="average = 'logits' has no effect with one view"):
        tiny_task("lungs", predict__views=["plain"], predict__average="logits")
    with pytest.raises(TaskError, match="values of grades"):
        tiny_task("retinopathy", predict__views=["plain", "hflip"], predict__average="logits")
    with pytest.raises(TaskError, match="did you mean 'hflip'"):
        tiny_task("lungs", predict__views=["hflop"])
