import numpy as np
import pandas as pd

from fastmed.results.figures.curves import history_figure


def made_history(epochs, **columns):
    numbers = np.arange(1, epochs + 1)
    table = pd.DataFrame({"epoch": numbers, "phase": "whole"})
    table["train_loss"], table["valid_loss"] = 1 / numbers, 1.1 / numbers
    table = table.assign(macro_f1=1 - 0.5 / numbers, lr=1e-3, seconds=2.5)
    return table.assign(**columns)


def panels(figure):
    visible = [axes for axes in figure.axes if axes.get_visible()]
    return {axes.get_title(loc="left"): axes for axes in visible}


def lines(axes, *, labelled=None):
    every = {line.get_label(): line for line in axes.lines}
    return every if labelled is None else every[labelled]


def explained(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_one_panel_for_losses_each_metric_and_the_rate():
    history = made_history(7, accuracy=0.5)
    figure = history_figure(history, best_epoch=5)
    found = panels(figure)
    assert list(found) == ["loss", "macro F1", "learning rate", "accuracy"]
    loss = lines(found["loss"])
    np.testing.assert_allclose(loss["training part"].get_ydata(), history["train_loss"])
    np.testing.assert_allclose(loss["validation part"].get_ydata(), history["valid_loss"])
    metric = lines(found["macro F1"], labelled="validation part")
    np.testing.assert_allclose(metric.get_ydata(), history["macro_f1"])
    assert figure.get_suptitle() == "Training, 7 epochs"
    assert explained(figure) == ["training part", "validation part", "kept: epoch 5"]


def test_kept_epoch_is_marked_in_every_panel():
    for axes in panels(history_figure(made_history(7), best_epoch=5)).values():
        assert lines(axes, labelled="kept: epoch 5").get_xdata() == [5, 5]


def test_no_epoch_kept():
    figure = history_figure(made_history(3), best_epoch=None)
    assert explained(figure) == ["training part", "validation part"]


def test_phases_are_marked_and_named():
    history = made_history(6, phase=["frozen"] * 2 + ["whole $x_1$"] * 4)
    figure = history_figure(history, best_epoch=6)
    for axes in panels(figure).values():
        assert lines(axes, labelled="next phase").get_xdata() == [2.5, 2.5]
    assert figure.get_suptitle() == r"Training, 6 epochs: frozen 1 to 2, whole \$x_1\$ 3 to 6"
    figure.draw_without_rendering()


def test_one_epoch_is_a_visible_point():
    figure = history_figure(made_history(1), best_epoch=1)
    figure.draw_without_rendering()
    assert figure.get_suptitle() == "Training, 1 epoch"
    loss = panels(figure)["loss"]
    assert loss.get_xlim() == (0.5, 1.5)
    assert lines(loss, labelled="training part").get_marker() == "s"
    assert [tick for tick in loss.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_columns_of_both_parts_share_a_panel():
    history = made_history(3, train_accuracy=0.9, valid_accuracy=0.8)
    accuracy = lines(panels(history_figure(history, None))["accuracy"])
    assert accuracy["training part"].get_ydata()[0] == 0.9
    assert accuracy["validation part"].get_ydata()[0] == 0.8


def test_empty_columns_are_left_out():
    history = made_history(3, valid_loss=np.nan, macro_f1=np.nan)
    found = panels(history_figure(history, None))
    assert list(found) == ["loss", "learning rate"]
    assert list(lines(found["loss"])) == ["training part"]


def test_small_rates_are_written_in_full():
    figure = history_figure(made_history(3, lr=[1e-6, 2e-6, 3e-6]), None)
    figure.draw_without_rendering()
    axis = panels(figure)["learning rate"].yaxis
    assert axis.get_offset_text().get_text() == ""
    assert any("e-06" in label.get_text() for label in axis.get_ticklabels())


def test_three_parts_share_a_panel_and_are_told_apart():
    history = made_history(4, train_macro_f1=0.9, test_macro_f1=0.7, test_loss=2.0)
    figure = history_figure(history, best_epoch=2)
    found = panels(figure)
    assert list(found) == ["loss", "macro F1", "learning rate"]
    metric = lines(found["macro F1"])
    assert metric["training part"].get_ydata()[0] == 0.9
    assert metric["test part"].get_ydata()[0] == 0.7
    assert lines(found["loss"])["test part"].get_ydata()[0] == 2.0
    signs = {(line.get_linestyle(), line.get_marker(), line.get_color()) for line in
             (metric[f"{part} part"] for part in ("training", "validation", "test"))}  # fmt: skip
    assert len({sign[0] for sign in signs}) == len({sign[1] for sign in signs}) == 3
    assert explained(figure) == [
        "training part", "validation part", "test part", "kept: epoch 2",
    ]  # fmt: skip
