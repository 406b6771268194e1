"""The pages of the docs, taken apart: blocks, sections, tables and commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    return [body for language, body in FENCED.findall(text) if language in languages]


def prose(text: str) -> str:
    return FENCED.sub("", text)


def sections(text: str) -> dict[str, str]:
    """Return what stands below each heading, up to the next one."""
    parts = re.split(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of a table by each name in the first cell."""
    found = re.findall(r"^\| (`.+?) \|(.*) \|$", text, re.MULTILINE)
    cells = [(names, [cell.strip() for cell in rest.split(" |")]) for names, rest in found]
    return {name: rest for names, rest in cells for name in re.findall(r"`([^`]+)`", names)}


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in blocks and in running text, up to a redirection."""
    typed = "\n".join(blocks(text, "bash")).replace("\\\n", "").split("\n")
    shown = "\n".join(blocks(text, "console")).split("\n")
    typed += [line.removeprefix("$ ") for line in shown if line.startswith("$ ")]
    named = re.findall(r"`(fastmed [^`\[]*|make [a-z-]+)`", prose(text))
    typed += [re.sub(r"^(fastmed [a-z-]+)$", r"\1 --help", line) for line in named]
    for line in typed:
        words = shlex.split(line, comments=True)
        yield words[: min((words.index(sign) for sign in (">", "|") if sign in words), default=99)]


def fastmed_lines(text: str) -> list[list[str]]:
    found = [words[1:] for words in command_lines(text) if words[:1] == ["fastmed"]]
    return [words for words in found if "COMMAND" not in words]


def anchors(page: Path) -> list[str]:
    return [re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in sections(read(page))]
