"""A report in a real browser: nothing goes wrong in it, and nothing leaves it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

import fastmed
from fastmed.run import Run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
    "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
ITS_OWN = re.compile(r"^https?://([\w-]+\.)*(google|googleapis|gstatic|chromium)\.(com|org)/")

pytestmark = pytest.mark.skipif(
    BROWSER is None,
    reason=f"no browser: none of {', '.join(NAMES)} is installed; `make browser` tries to",
)


class Opened(NamedTuple):
    """What a browser said of a page: messages of its console, addresses it asked, its content."""

    console: list[str]
    asked: set[str]
    content: str


def opened(page: Path, folder: Path) -> Opened:
    log = folder / "net.json"
    own = (f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--dump-dom")
    done = subprocess.run(
        [str(BROWSER), *QUIET, *own, page.as_uri()], capture_output=True, timeout=120, check=False
    )  # fmt: skip
    said = done.stderr.decode(errors="replace").splitlines()
    text = log.read_text(encoding="utf-8", errors="replace")
    urls = set(re.findall(r'"url":\s*"(\w+://[^"]*)"', text))
    asked = {url for url in urls if not ITS_OWN.match(url) and not url.startswith("file://")}
    console = [line for line in said if "CONSOLE" in line]
    return Opened(console, asked, done.stdout.decode(errors="replace"))


def test_report_asks_nothing_and_has_no_error(trained: dict[str, Run], tmp_path: Path) -> None:
    page = fastmed.write_report(trained["lungs"], out=tmp_path / "report")
    found = opened(page, tmp_path)
    assert found.content.count("<section") > 10
    assert found.console == []
    assert found.asked == set()


def test_the_browser_would_tell(tmp_path: Path) -> None:
    """A page that does ask, and goes wrong, is found out."""
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://asked.invalid/x.png"><script>missing()</script>')
    found = opened(page, tmp_path)
    assert "http://asked.invalid/x.png" in found.asked
    assert "missing is not defined" in found.console[0]
