import subprocess
import sys
from pathlib import Path

import pytest

from fastmed.errors import RunError
from fastmed.run.claim import claimed, is_claimed

HOLD = """
import sys
from pathlib import Path
from fastmed.run.claim import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(run: Path) -> subprocess.Popen:
    """Claim a run by another process, until it is killed."""
    command = [sys.executable, "-c", HOLD, str(run)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_run_is_claimed_until_its_process_is_killed(tmp_path: Path) -> None:
    assert not is_claimed(tmp_path)
    process = hold(tmp_path)
    assert is_claimed(tmp_path)
    with pytest.raises(RunError, match="is being trained by another process"), claimed(tmp_path):
        pass
    process.kill()
    process.communicate()
    assert not is_claimed(tmp_path)
    with claimed(tmp_path):
        pass
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="can't write into .*none"), claimed(tmp_path / "none"):
        pass
    assert not is_claimed(tmp_path / "none")
