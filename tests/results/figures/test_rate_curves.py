import numpy as np

from fastmed.results.figures.rates import Sweep, rates_figure


def made_sweep(phase, lowest=1.0):
    rates = np.geomspace(1e-7, 1, 80)
    losses = lowest + (np.log10(rates) + 3) ** 2 / 10
    losses[-5:] *= 40
    return Sweep(phase, rates, losses, {"valley": 1e-4, "steep": 1e-6, "minimum": 1e-4 / 2})


def test_a_panel_a_phase_with_suggestions_and_the_tasks_rate():
    sweeps = [made_sweep("frozen"), made_sweep("whole", 2.0)]
    figure = rates_figure(sweeps, 1e-3, "Learning rates, a task")
    figure.draw_without_rendering()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["frozen phase", "whole phase"]
    for axes, sweep in zip(figure.axes, sweeps, strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        assert lines["valley"].get_xdata() == [1e-4]
        expected = np.interp(-4, np.log10(sweep.rates), sweep.losses)
        np.testing.assert_allclose(lines["valley"].get_ydata(), expected)
        assert lines["rate of the task"].get_xdata() == [1e-3, 1e-3]
        assert "a tenth of the minimum" in lines
        assert axes.get_ylim()[1] < sweep.losses.max()
        assert axes.get_xscale() == "log"
