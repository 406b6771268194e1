from pathlib import Path

import pytest

from fastmed.errors import RunError
from fastmed.whole_folder import check_place, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "some" / "out"
    with whole_folder(path) as place:
        (place / "a.txt").write_text("new")
        assert not path.exists()
    assert (path / "a.txt").read_text() == "new"
    assert names(tmp_path / "some") == ["out"]


def test_older_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    with whole_folder(path) as place:
        (place / "new.txt").write_text("new")
        assert names(path) == ["old.txt"]
    assert names(path) == ["new.txt"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_left_after_an_error(tmp_path: Path, error: type, before: bool) -> None:
    path = tmp_path / "out"
    if before:
        path.mkdir()
        (path / "old.txt").write_text("old")
    with pytest.raises(error):
        _broken_off(path, error)
    assert names(tmp_path) == (["out"] if before else [])
    assert not before or names(path) == ["old.txt"]


def _broken_off(path: Path, error: type) -> None:
    with whole_folder(path) as place:
        (place / "half.txt").write_text("half")
        raise error


def test_old_folder_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(RunError, match="no space left"), whole_folder(path):
        pass
    assert names(path) == ["old.txt"]
    assert names(tmp_path) == ["out"]


def test_trouble_with_the_disk_is_a_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"can't write .*out: no space left on device; nothing"),
        whole_folder(tmp_path / "out"),
    ):
        raise OSError(28, "No space left on device")
    with pytest.raises(RunError, match="can't write"), whole_folder(Path("/proc/nothing/here")):
        pass


def test_places_that_may_be_written(tmp_path: Path) -> None:
    check_place(tmp_path / "new", {"index.html"}, "a study")
    (tmp_path / "empty").mkdir()
    check_place(tmp_path / "empty", {"index.html"}, "a study")
    (tmp_path / "empty" / "index.html").touch()
    check_place(tmp_path / "empty", {"index.html"}, "a study")


def test_places_where_something_would_be_lost(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match=r"holds 'notes.txt', which is not of a study; choose"):
        check_place(tmp_path, {"index.html"}, "a study")
    with pytest.raises(RunError, match="is not a folder"):
        check_place(tmp_path / "notes.txt", set(), "a study")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(RunError, match="is not a folder"):
        check_place(tmp_path / "link", {"notes.txt", "link"}, "a study")
