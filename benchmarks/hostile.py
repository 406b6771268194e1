"""Every hostile input through the real command: the line it prints, peak memory and seconds.

    python benchmarks/hostile.py --log hostile.jsonl --out docs/reference/hostile-inputs.md
    python benchmarks/hostile.py --only DICOM

With a log it can be stopped at any time: inputs that the log holds are not run again.
Every case is made in a folder of its own, of which only the parts for results may change. Commands
run in forks of a process that has loaded fastmed; what they take is told beyond that. Memory is
the largest sum over the command and its processes of what each holds by itself. Seconds of the
processor are those of all of them together, and don't depend on what else the machine does; a
command that waits is told by the clock.
"""

import argparse
import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

from hostile_cases import Case, cases, good_image, predict
from hostile_run import MEGABYTES, SECONDS, Outcome, Server, run_case, shared

Found = list[tuple[Case, Outcome]]


def cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    text = text.replace("|", "\\|")
    mark = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{mark}{space}{text}{space}{mark}" if text else ""


def table(found: Found) -> str:
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
nothing steers the terminal, that at most {most} MB of memory and {long} seconds of the processor
are taken, and that nothing is written elsewhere. MB and seconds are those that an input takes
beyond the start of fastmed and PyTorch, which is {base} by itself.
Predicting a good image takes {good}.
"""


def run_all(only: str, processes: int, log: Path | None) -> str:
    """Return the page of how every chosen case ended."""
    known = _logged(log)
    servers: Queue[Server] = Queue()

    def outcome_of(case: Case) -> Outcome:
        name = f"{case.family}: {case.name}"
        if name not in known:
            server = servers.get()
            try:
                known[name] = run_case(case, place, server)
            finally:
                servers.put(server)
            _tell(name, known[name], log)
        return known[name]

    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, ExitStack() as stack:
        place = shared(Path(folder))
        for _ in range(processes):
            servers.put(server := Server(Path(folder)))
            stack.callback(server.close)
        every = [*cases(place)]
        chosen = [case for case in every if re.search(only, f"{case.family}: {case.name}")]
        good = outcome_of(Case("control", "a good image", predict, good_image(place), passes=True))
        with ThreadPoolExecutor(processes) as pool:
            found = list(zip(chosen, pool.map(outcome_of, chosen), strict=True))
    return page(server, good, found)


def page(server: Server, good: Outcome, found: Found) -> str:
    """Return the outcomes as a page of the docs."""
    head = PAGE.format(
        told=summary(found),
        most=f"{MEGABYTES:,}",
        long=SECONDS,
        base=f"{server.megabytes:.0f} MB and {server.processor:.1f} s",
        good=f"{good.megabytes:.0f} MB and {good.processor:.1f} s",
    )
    return f"{head}\n{table(found)}\n"


def _logged(log: Path | None) -> dict[str, Outcome]:
    lines = log.read_text(encoding="utf-8").splitlines() if log and log.exists() else []
    return {name: Outcome(*values) for name, values in map(json.loads, lines)}


def _tell(name: str, outcome: Outcome, log: Path | None) -> None:
    print(f"{name}: {outcome.wrong or 'as it should be'}: {outcome.line}", flush=True)
    if log:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, outcome]) + "\n")


def summary(found: Found) -> str:
    """Return in one line how all cases ended."""
    outcomes = [outcome for _, outcome in found]
    return (
        f"{len(found)} inputs, {sum(bool(one.wrong) for one in outcomes)} not as they should be; "
        f"at most {max(one.megabytes for one in outcomes):.0f} MB, "
        f"{max(one.processor for one in outcomes):.1f} s of the processor, "
        f"{max(one.seconds for one in outcomes):.1f} s by the clock"
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression of FAMILY: NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--log", type=Path, help="keeps the outcomes, one line an input")
    parser.add_argument("--out", type=Path, help="where the page goes; printed if left out")
    given = parser.parse_args()
    text = run_all(given.only, given.processes, given.log)
    given.out.write_text(text, encoding="utf-8") if given.out else print(text)


if __name__ == "__main__":
    main()
