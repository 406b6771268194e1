"""A process that has loaded fastmed, and runs each command in a fork of itself.

Loading PyTorch takes longer than most inputs do. What a command takes beyond that is told apart in
this way, and hundreds of commands are run in minutes.
"""

import atexit
import gc
import json
import os
import resource
import sys
import tempfile
import traceback
from typing import Any


def serve() -> None:
    """Run commands, one JSON line each, until there are no more."""
    import fastmed.data.fetching.fetch
    import fastmed.interpretation
    import fastmed.training.train  # noqa: F401

    gc.freeze()
    used = resource.getrusage(resource.RUSAGE_SELF)
    _say({"processor": used.ru_utime + used.ru_stime})
    for line in sys.stdin:
        job = json.loads(line)
        process = os.fork()
        if process == 0:
            _command(job)
        _say({"process": process})
        _, status, used = os.wait4(process, 0)
        code = os.waitstatus_to_exitcode(status)
        _say({"code": code, "processor": used.ru_utime + used.ru_stime})


def _command(job: dict[str, Any]) -> None:
    """Become the command: its folder, its environment, its files for what it prints.

    It ends without taking Python down, which would copy all memory that it shares.
    """
    from fastmed.cli import main

    os.setsid()
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    tempfile.tempdir = None
    for number, place in enumerate((os.devnull, job["out"], job["err"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(place, flags), number)
    sys.argv = ["fastmed", *job["words"]]
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    serve()
