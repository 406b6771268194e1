import tracemalloc
from pathlib import Path

from fastmed.data.pixels.bounded_file import BoundedFile


def test_reads_as_any_file(tmp_path: Path):
    content = bytes(range(256)) * 100
    (tmp_path / "a").write_bytes(content)
    with BoundedFile(tmp_path / "a") as file:
        assert file.read(10) == content[:10]
        assert file.read(0) == b""
        assert file.seek(-6, 2) == len(content) - 6
        assert file.read(100) == content[-6:]
        assert file.read(100) == b""
        file.seek(len(content) + 50)
        assert file.read(1) == b""
        file.seek(3)
        assert file.read() == content[3:]
        file.seek(3)
        assert file.read(None) == content[3:]


def test_takes_no_memory_for_what_is_not_there(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"short")
    with BoundedFile(tmp_path / "a") as file:
        tracemalloc.start()
        assert file.read(2**30) == b"short"
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 2**20
