"""OpenCV keeps to one thread and is silent, and is as before afterwards."""

import os
import signal

import cv2
import numpy as np
import pytest

from fastmed.data.operations.opencv import one_thread, silence
from fastmed.data.operations.transform import prepare
from fastmed.settings.image import ImageSettings


def test_one_thread_within_and_all_of_them_after():
    before = cv2.getNumThreads()
    with one_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
    with pytest.raises(cv2.error), one_thread():
        cv2.cvtColor(np.zeros((2, 2, 7), np.uint8), cv2.COLOR_RGB2LAB)
    assert cv2.getNumThreads() == before


def test_no_word_within_and_all_of_them_after(capfd: pytest.CaptureFixture):
    broken = np.frombuffer(b"II*\0" + bytes(20), np.uint8)
    with silence():
        cv2.imdecode(broken, cv2.IMREAD_UNCHANGED)
    assert capfd.readouterr() == ("", "")
    levels = getattr(cv2.utils, "logging", cv2)
    assert levels.getLogLevel() > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_goes_on_where_its_parent_has_worked():
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    settings = ImageSettings(size=64, operations="crop_background,clahe,local_colour")
    prepare(pixels, settings)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        prepare(pixels, settings)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
