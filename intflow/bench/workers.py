"""Training steps that many workers share: mpiexec -n 4 intflow bench step

Every worker is a process already, so nobody else takes a turn; whoever is slowest says how long a
step took.
"""

import time

from ..errors import BenchError, UsageError
from .contest import summary
from .options import ALL
from .step import CHECKED_IMAGES, MODELS, Step, settings_of

NANOSECONDS = 10**9


def run(name, options, group, tell):
    """The report of the benchmark `step`: one row a model, the same at every worker.

    Raises
    ------
    UsageError : another benchmark, or all backends at once.
    BenchError : where the workers end in other bits than one alone.
    """
    if name != "step" or options.backend == ALL:
        raise UsageError(f"many workers measure step with one backend, got {name} with "
                         f"{options.backend}; for others leave mpiexec out, or say --workers none")
    return {"workers": group.size,
            "rows": [_row(model, options, group, tell) for model in options.models or MODELS]}


def _row(model, options, group, tell):
    settings = {**settings_of(model, options), "backend": options.backend}
    tell(f"step {model}: one worker alone repeats a small one")
    _check({**settings, "batch_size": CHECKED_IMAGES}, group)
    step = Step(**settings, group=group)
    tell(f"step {model}, batch {settings['batch_size']}: {options.rounds} rounds")
    taken, exchanged = _turn(step, 1, group)
    calls = max(1, -(-round(options.seconds * NANOSECONDS) // taken))       # edge: a duration
    rounds = [_turn(step, calls, group)[0] / (NANOSECONDS * calls) for _ in range(options.rounds)]
    return {"case": f"{model} {settings['bits']}", "batch_size": settings["batch_size"],
            "checked": f"a step of {CHECKED_IMAGES} images equals that of one worker alone",
            **step.about(), **summary(rounds, settings["batch_size"]), "exchanged": exchanged}


def _check(settings, group):
    """BenchError unless the shared step ends in the bits of one worker's."""
    shared = Step(**settings, group=group).digest
    alone = Step(**settings).digest if group.rank == 0 else shared
    if group.any(alone != shared):
        raise BenchError(f"workers end in {shared[:16]}, one alone in {alone[:16]}")


def _turn(step, calls, group):
    """(nanoseconds of the slowest worker for so many steps, what this worker exchanged)."""
    group.any(False)                    # all begin together
    group.traffic.taken()
    started = time.perf_counter_ns()
    for _ in range(calls):
        step.run()
    taken, exchanged = time.perf_counter_ns() - started, group.traffic.taken()
    return max(1, group.maximum(taken)), exchanged


def lines(report):
    """Images a second of all workers together, and what a worker exchanged in a step."""
    for row in report["rows"]:
        yield f"{row['case']}, batch {row['batch_size']}; {row['checked']}"
        yield (f"    {report['workers']} workers, {row['backend']:8} {row['rate']:8.1f} images/s  "
               f"{1e3 * row['seconds']:8.1f} ms ({1e3 * row['least']:.1f} to {1e3 * row['most']:.1f})")
        for kind, counts in row["exchanged"].items():
            yield (f"    {kind:10} {counts['messages']:6,} messages {counts['bytes']:12,} bytes "
                   "a worker and step")
