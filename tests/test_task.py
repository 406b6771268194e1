import pytest

from fastmed.errors import TaskError
from fastmed.learn.fitting.losses import LOSSES
from fastmed.learn.fitting.metrics import METRICS
from fastmed.learn.fitting.optimizers import OPTIMIZERS
from fastmed.learn.fitting.schedule import SCHEDULES
from fastmed.learn.views import CHANGES, VIEWS
from fastmed.settings.objective import Loss
from fastmed.settings.rates import Optimizer, Schedule
from fastmed.settings.train import Metric
from fastmed.settings.views import AMOUNTS, EXACT
from fastmed.task import LOSSES_OF, METRICS_OF
from fastmed.taskfile import find_task, load_tasks, parse_change, to_toml

MISTAKES = {
    "train.lrr=1": "[retinopathy.train.lrr] is not a known setting; did you mean 'lr'?",
    "source.imge=x": "[retinopathy.source.imge] is not a known setting; did you mean 'image'?",
    "train.opt=adamx": "'adamx' is not a known choice; did you mean 'adamax'?",
    "train.loss=cross_entropy": "does not fit goal = 'grade', which takes smooth_l1, mse, l1",
    "train.select=auroc": "train.select = 'auroc' does not fit goal = 'grade'",
    "source.kind=tables": "names no kind of source; expected one of folders, table, arrays, dicom",
    "train.lr=-1": "[retinopathy.train.lr] = -1: input should be greater than 0",
    "split.valid=1.2": "input should be less than 1",
    "split.test=0.9": "leaves nothing to train",
    "image.resize=300": "resize has no effect with fit = 'letterbox'",
    "image.normalize=backbon": "did you mean 'backbone'?",
    "train.step_epochs=0": "greater than or equal to 1",
    "balance.count=0": "greater than or equal to 1",
    "balance.method=class_weights": "needs goal = 'category'",
    "train.label_smoothing=0.1": "no effect with goal = 'grade'",
    'predict.views=["plain","hflp"]': "no view 'hflp'; did you mean 'hflip'?",
    'predict.views=["plain","plain"]': "a view stands twice in plain,plain",
    'classes=["a","A"]': "classes 'a' and 'A' are the same",
    'classes=["a"]': "at least 2 items",
    'source.rename={x="y"}': "source.rename leads to 'y', which is not a class",
    'source.group={tag="PatientID"}': "group.tag has no meaning for a source of this kind",
    'source.group={pattern="("}': "is not a regular expression",
    'source.group={pattern="a",column="b"}': "exactly one of 'column', 'tag', 'pattern'",
    "train.epochs.x=1": "'epochs' is a value, not a table",
    "members={a={classes=['x']}}": "a: 'classes' is the same for all members; a member may change",
    "members={'../a'={}}": "'../a' may hold only letters, digits",
    "augment.last_epoch=0": "greater than or equal to 1",
}


@pytest.mark.parametrize("change", MISTAKES)
def test_mistake_is_one_clear_sentence(change: str) -> None:
    with pytest.raises(TaskError) as caught:
        find_task("retinopathy").with_changes(dict([parse_change(change)]))
    assert MISTAKES[change] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_five_tasks_carry_their_projects_settings() -> None:
    tasks = load_tasks()
    assert set(tasks) >= {"cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy"}
    heart = tasks["cardiomegaly"]
    assert (heart.image.resize, heart.image.size, heart.train.opt) == (320, 300, "adamax")
    assert (heart.head.pool, heart.head.hidden, heart.train.weight_decay) == ("max", (256,), 0.005)
    eye = tasks["retinopathy"]
    assert (eye.outputs, eye.loss, eye.head.hidden, eye.train.batch) == (1, "smooth_l1", (), 18)
    assert (eye.train.step_epochs, eye.train.step_factor, eye.balance.count) == (10, 0.1, 1000)
    assert tasks["histology"].augment.last_epoch == 12
    assert tasks["pneumonia"].train.freeze_epochs == 2


@pytest.mark.parametrize("name", ["cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy"])
def test_toml_of_a_task_reads_back_equal(name: str, tmp_path) -> None:
    file = tmp_path / "tasks.toml"
    file.write_text(to_toml(find_task(name)), encoding="utf-8")
    assert find_task(name, file) == find_task(name)


def test_own_file_extends_and_overrides(tmp_path, monkeypatch) -> None:
    text = to_toml(find_task("lungs")).replace("[lungs", "[mine").replace("COVID", "covid")
    (tmp_path / "tasks.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert set(load_tasks()) == {*load_tasks(tmp_path / "tasks.toml")}
    assert find_task("mine").classes == ("healthy", "covid", "other")
    assert find_task("lungs").classes == ("healthy", "COVID", "other")


def test_one_broken_task_does_not_hide_the_others(tmp_path) -> None:
    file = tmp_path / "tasks.toml"
    file.write_text('[broken]\ntitle = "no goal"\n', encoding="utf-8")
    assert find_task("lungs", file).name == "lungs"
    with pytest.raises(TaskError, match=r"\[broken.goal\] is missing"):
        find_task("broken", file)


def test_a_broken_member_is_named_where_it_is_declared(tmp_path) -> None:
    file = tmp_path / "own.toml"
    text = to_toml(find_task("histology")) + "\n[histology.members.wild.train]\nlr = -1\n"
    file.write_text(text.replace("[histology.members]\n", ""))
    with pytest.raises(TaskError, match=r"own.toml: \[histology.members.wild\] .*train.lr.* = -1"):
        find_task("histology", file)


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(TaskError, match="did you mean 'retinopathy'"):
        find_task("retinopaty")


def test_missing_and_broken_files_are_named(tmp_path) -> None:
    with pytest.raises(TaskError, match="no task file"):
        load_tasks(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[a\n")
    with pytest.raises(TaskError, match="not valid TOML"):
        load_tasks(tmp_path / "bad.toml")
    (tmp_path / "loose.toml").write_text("a = 1\n")
    with pytest.raises(TaskError, match="stands outside of a task"):
        load_tasks(tmp_path / "loose.toml")


def test_changing_a_mode_drops_what_belonged_to_the_old_one() -> None:
    task = find_task("retinopathy").with_changes(
        {"train.schedule": "one_cycle", "balance.method": "none"}
    )
    assert task.train.step_epochs is None
    assert task.balance.count is None


def test_change_values_are_toml_and_bare_words_are_text() -> None:
    assert parse_change("train.lr=0.01") == ("train.lr", 0.01)
    assert parse_change("train.opt=sgd") == ("train.opt", "sgd")
    assert parse_change('classes=["a", "b"]') == ("classes", ["a", "b"])
    with pytest.raises(TaskError, match="expected KEY=VALUE"):
        parse_change("train.lr")


def test_names_equal_the_registries() -> None:
    def names(literal: object) -> set[str]:
        return set(literal.__args__)

    assert (
        names(Loss) == set(LOSSES) == {loss for fitting in LOSSES_OF.values() for loss in fitting}
    )
    assert (
        names(Metric) == {"valid_loss", *METRICS} == {m for fit in METRICS_OF.values() for m in fit}
    )
    assert names(Optimizer) == set(OPTIMIZERS)
    assert names(Schedule) == set(SCHEDULES)
    assert (set(EXACT), set(AMOUNTS)) == (set(VIEWS), set(CHANGES))


def test_a_task_never_changes() -> None:
    with pytest.raises(ValueError, match="frozen"):
        find_task("lungs").name = "other"
