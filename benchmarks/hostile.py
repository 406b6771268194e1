"""Every hostile input through the real command: the line it prints, peak memory and seconds.

    python benchmarks/hostile.py --out docs/reference/hostile-inputs.md
    python benchmarks/hostile.py --only DICOM

Every case is made in a folder of its own, of which only the parts for results may change. Memory
is the largest sum over the command and its processes of what each holds (Pss of Linux, where memory
that processes share counts once). Seconds of the processor are those of all of them together, and
don't depend on what else the machine does; a command that waits is told by the clock.
"""

import argparse
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hostile_cases import Case, cases, good_image, predict
from hostile_run import Outcome, run_case, shared


def cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    text = text.replace("|", "\\|")
    mark = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{mark}{space}{text}{space}{mark}" if text else ""


def table(found: list[tuple[Case, Outcome]]) -> str:
    """Return the outcomes as Markdown, a table a family."""
    parts = []
    for family in dict.fromkeys(case.family for case, _ in found):
        head = "| input | exit | line | MB | s of the processor |"
        lines = [f"## {family}", "", head, "|---|--:|---|--:|--:|"]
        for case, outcome in found:
            if case.family == family:
                figures = f"{outcome.megabytes:.0f} | {outcome.processor:.1f}"
                said = cell(outcome.line) + (f" **{outcome.wrong}**" if outcome.wrong else "")
                lines.append(f"| {case.name} | {outcome.code} | {said} | {figures} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


PAGE = """# Hostile inputs

Every hostile input through the real command, as `python benchmarks/hostile.py` ran them:
{told}.
[Hostile input](../explanation/hostile-input.md) says what they are, and why each ends as it does.

```bash
python benchmarks/hostile.py --out docs/reference/hostile-inputs.md
```

Inputs with exit code 1 are refused in one line. Those with 0 are gone on without, counted, and
shown as what they are. Beside the exit code, the script checks that no traceback is printed, that
nothing steers the terminal, that at most 2,000 MB of memory and 30 seconds of the processor are
taken, and that nothing is written elsewhere. A command that loads PyTorch takes {base} by itself:
that is what predicting a good image takes.
"""


def run_all(only: str, processes: int) -> tuple[Outcome, list[tuple[Case, Outcome]]]:
    """Return how a good image is predicted, and how every chosen case ended."""
    found: list[tuple[Case, Outcome]] = []
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        place = shared(Path(folder))
        every = [*cases(place)]
        chosen = [case for case in every if re.search(only, f"{case.family}: {case.name}")]
        good = run_case(Case("", "", predict, good_image(place)), place)
        with ThreadPoolExecutor(processes) as pool:
            outcomes = pool.map(lambda case: run_case(case, place), chosen)
            for case, outcome in zip(chosen, outcomes, strict=True):
                found.append((case, outcome))
                if outcome.wrong:
                    print(f"{case.family}: {case.name}: {outcome.wrong}: {outcome.line}")
    return good, found


def summary(found: list[tuple[Case, Outcome]]) -> str:
    """Return in one line how all cases ended."""
    outcomes = [outcome for _, outcome in found]
    return (
        f"{len(found)} inputs, {sum(bool(one.wrong) for one in outcomes)} not as they should be; "
        f"at most {max(one.megabytes for one in outcomes):.0f} MB, "
        f"{max(one.processor for one in outcomes):.1f} s of the processor, "
        f"{max(one.seconds for one in outcomes):.1f} s by the clock"
    )


def main() -> int:
    """Run what the command line asks for; 1 if any case did what it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression of FAMILY: NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where the page goes; printed if left out")
    given = parser.parse_args()
    good, found = run_all(given.only, given.processes)
    base = f"{good.megabytes:.0f} MB and {good.processor:.1f} s"
    text = f"{PAGE.format(told=summary(found), base=base)}\n{table(found)}\n"
    given.out.write_text(text, encoding="utf-8") if given.out else print(text)
    print(summary(found))
    return int(any(outcome.wrong for _, outcome in found))


if __name__ == "__main__":
    raise SystemExit(main())
