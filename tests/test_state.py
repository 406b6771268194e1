"""Pseudonyms stay the same for a user, tell nothing, and need no folder before they are needed."""

import hashlib
import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fastmed import state
from fastmed.errors import RunError
from fastmed.state import pseudonym, pseudonyms, state_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "state"
    monkeypatch.setenv("FASTMED_HOME", str(folder))
    return folder


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path))
    assert state_folder() == tmp_path
    monkeypatch.delenv("FASTMED_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert tmp_path in state_folder().parents
    assert "fastmed" in str(state_folder())


def test_a_pseudonym_is_a_keyed_hash_of_the_text(home: Path):
    found = pseudonym("p-1")
    salt = (home / "salt").read_bytes()
    assert len(salt) == 32
    assert found == hmac.new(salt, b"p-1", hashlib.sha256).hexdigest()[:16]


def test_the_same_text_gives_the_same_pseudonym(home: Path):
    first = pseudonyms(["a", "b", "", "a", "Ü"])
    assert first[0] == first[3]
    assert first[2] == ""
    assert len(set(first)) == 4
    assert pseudonyms(["a", "b", "", "a", "Ü"]) == first


def test_another_user_has_others(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    mine = pseudonym("p-1")
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "other"))
    assert pseudonym("p-1") != mine


def test_nothing_is_written_before_it_is_needed(home: Path):
    assert pseudonyms([]) == []
    assert pseudonyms(["", ""]) == ["", ""]
    assert not home.exists()


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_only_the_user_can_read_the_secret(home: Path):
    before = os.umask(0)
    try:
        pseudonym("p-1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "salt").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [file.name for file in home.iterdir()] == ["salt"]


def test_processes_that_start_together_have_one_secret(home: Path):
    program = "from fastmed.state import pseudonym; print(pseudonym('p-1'))"
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    found = {process.communicate(timeout=60)[0].strip() for process in running}
    assert found == {pseudonym("p-1")}
    assert [file.name for file in home.iterdir()] == ["salt"]


def test_a_secret_that_another_process_made_meanwhile_stays(home: Path):
    home.mkdir(parents=True)
    (home / "salt").write_bytes(b"s" * 32)
    state._make_salt(home / "salt")
    assert (home / "salt").read_bytes() == b"s" * 32


def test_disks_without_links(home: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*names: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert pseudonym("p-1") == pseudonym("p-1")
    assert len((home / "salt").read_bytes()) == 32


def test_a_folder_that_can_not_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "file" / "state"))
    with pytest.raises(
        RunError, match="set FASTMED_HOME to a folder that can be written"
    ) as caught:
        pseudonym("p-1")
    assert "\n" not in str(caught.value)


def test_a_secret_that_is_damaged(home: Path):
    home.mkdir(parents=True)
    (home / "salt").write_bytes(b"short")
    with pytest.raises(RunError, match="salt has 5 bytes, expected 32"):
        pseudonym("p-1")
