"""How long a Python takes to start, and fastmed's commands in it.

OMP_NUM_THREADS=1 python benchmarks/start_up.py --run runs/lungs/RUN --times 20
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

OTHERS = {
    "`python -c pass`": ["-c", "pass"],
    "`import fastmed`": ["-c", "import fastmed"],
    "`fastmed --help`": ["-m", "fastmed", "--help"],
    "`fastmed --version`": ["-m", "fastmed", "--version"],
    "`fastmed train --help`": ["-m", "fastmed", "train", "--help"],
    "`fastmed tasks`": ["-m", "fastmed", "tasks"],
    "`fastmed runs`": ["-m", "fastmed", "runs"],
    "`import torch`": ["-c", "import torch"],
    "`import fastai.vision.all`": ["-c", "import fastai.vision.all"],
}
HEAVY = ("torch", "pandas", "sklearn", "matplotlib")


def seconds(arguments: list[str]) -> float:
    """Return the seconds of the processor that a new Python takes, in itself and the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def loaded(arguments: list[str]) -> str:
    """Return which heavy libraries a new Python loads."""
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    names = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    return ", ".join(name for name in HEAVY if name in names) or "none"


def main() -> None:
    """Print the least seconds of several starts of each, and what heavy libraries it loads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a run whose report is written anew")
    parser.add_argument("--times", type=int, default=20)
    asked = parser.parse_args()
    every = dict(OTHERS)
    if asked.run:
        every["`fastmed report RUN`"] = ["-m", "fastmed", "-q", "report", str(asked.run)]
    print("| what | seconds | heavy libraries |\n|---|---|---|")
    for name, arguments in every.items():
        heavy = loaded(arguments)
        times = max(2, asked.times // 5) if heavy != "none" else asked.times
        print(f"| {name} | {min(seconds(arguments) for _ in range(times)):.3f} | {heavy} |")


if __name__ == "__main__":
    main()
