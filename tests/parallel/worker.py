"""One worker of a test: every case, then what comes after it.

    mpiexec -n 3 python tests/parallel/worker.py good RUN STEPS
    mpiexec -n 2 python tests/parallel/worker.py bad

Worker 0 prints one JSON object: what each case gave, and what each has exchanged. Then "good"
workers go on with a run up to so many steps, and measure it; with "bad" worker 1 fails where worker
0 does not.
"""

import json
import sys

from parallel.cases import CASES

from intflow.cli import leave, main
from intflow.commands.options import join_workers
from intflow.errors import DatasetError, IntflowError


def show_cases(group):
    """All cases, as worker 0 prints them."""
    given = {}
    for name, case in CASES.items():
        group.traffic.taken()
        given[name] = {**case(group), "traffic": group.traffic.taken()}
    if group.rank == 0:
        print(json.dumps({"size": group.size, "threads": group.threads, "cases": given}))


def fail(group):
    """Worker 1 has no data, the others wait for it."""
    try:
        if group.rank == 1:
            raise DatasetError("its disk is empty; fill it")
        group.agree("all is well")
    except IntflowError as error:
        leave(error.exit_code, str(error))


def go_on(run, steps):
    """A run's next steps, its evaluation and a measurement, as the command line makes them."""
    for command in (
            ["train", "--resume", run, "--max-steps", steps, "--quiet"], ["eval", run, "--json"],
            ["bench", "step", "--model", "lenet", "--width", "1/8", "--batch-size", "10",
             "--rounds", "1", "--seconds", "0", "--backend", "portable", "--json"]):
        try:
            main(command)
        except SystemExit as stop:
            assert not stop.code


workers = join_workers("auto")
show_cases(workers)
fail(workers) if sys.argv[1] == "bad" else go_on(*sys.argv[2:])
