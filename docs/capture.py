"""Run what README and tutorial show, and put the output of the present fastmed into them.

    pip install pyte
    python docs/capture.py

Commands run in an empty folder, with a state of their own, in a terminal of 97 columns. Of each
block of console text the commands stay and the output is written anew, as far as a line "…" if
there is one. The training is drawn as ``docs/images/train.svg``.
"""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

DOCS = Path(__file__).parent
PAGES = (DOCS.parent / "README.md", DOCS / "tutorial" / "first-run.md")
WIDTH, HEIGHT = 97, 400
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
BLOCK = re.compile(r"```(bash|console)\n(.*?)```", re.DOTALL)
STORY = ("phantom lungs", "train lungs --arch resnet10t", "interpret", "evaluate", "predict data/")
TRAIN = "fastmed train lungs"
CUT = "…"  # a line of it ends the output that a page shows


def main() -> None:
    """Write the output of every page's commands into the page."""
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            text = BLOCK.sub(lambda block: _shown(block, Path(folder)), page.read_text())
        page.write_text(text)


def _shown(block: re.Match[str], folder: Path) -> str:
    """Return a block with the output of its commands; what can't be shown stays as it is."""
    kind, text = block.groups()
    steps = list(_steps(kind, text))
    if not steps or not all(_is_of_the_story(command) for command, _ in steps):
        return block[0]
    lines: list[str] = []
    for command, before in steps:
        screen = run(command, folder)
        shown = [str(line).rstrip() for line in screen]
        if CUT in before:
            shown = [*shown[: before.index(CUT)], CUT]
        lines += [f"$ {command}", *shown]
        if command.startswith(TRAIN):
            draw(command, screen)
    return block[0] if kind == "bash" else "```console\n" + "\n".join(lines) + "\n```"


def _steps(kind: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a block, each in one line, and the output that stands below it."""
    command, output = "", []
    for line in text.replace("\\\n", " ").splitlines():
        if kind == "bash" or line.startswith("$ "):
            if command:
                yield command, output
            command, output = " ".join(line.removeprefix("$ ").split()), []
        else:
            output.append(line)
    if command:
        yield command, output


def _is_of_the_story(command: str) -> bool:
    """True for what works on the phantom X-rays, in an empty folder."""
    return command.startswith(tuple(f"fastmed {beginning}" for beginning in STORY))


def run(command: str, folder: Path) -> list[Text]:
    """Return what a terminal shows after a command, line by line."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.ByteStream(screen)
    leader, follower = pty.openpty()
    own = {"COLUMNS": str(WIDTH), "LINES": str(HEIGHT), "FASTMED_HOME": str(folder / ".state")}
    words = [sys.executable, "-W", "ignore", "-m", *shlex.split(command)]
    with subprocess.Popen(  # noqa: S603
        words, cwd=folder, env={**os.environ, **own}, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        while content := _read(leader):
            stream.feed(content)
    if process.returncode:
        raise SystemExit(f"{command} ended with exit code {process.returncode}")
    rows = [_styled(screen, number) for number in range(HEIGHT)]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    return rows


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side was closed
        return b""


def _styled(screen: pyte.Screen, number: int) -> Text:
    line = Text()
    cells = [screen.buffer[number][column] for column in range(WIDTH)]
    for (bold, italic), some in groupby(cells, lambda cell: (cell.bold, cell.italics)):
        line.append("".join(cell.data for cell in some), Style(bold=bold, italic=italic))
    line.rstrip()
    return line


def draw(command: str, screen: list[Text]) -> None:
    """Write the terminal after a command as a picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    first, _, rest = command.partition(" --set ")
    console.print(Text(f"$ {first} \\\n    --set {rest}" if rest else f"$ {first}"))
    for line in screen:
        console.print(line)
    svg = console.export_svg(title=TRAIN, unique_id="fastmed")
    without_web = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    local = without_web.replace("Fira Code, monospace", FONTS)
    (DOCS / "images" / "train.svg").write_text(local)


if __name__ == "__main__":
    main()
