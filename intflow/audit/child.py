"""Audits in a process of their own, where every function is compiled anew.

Numba's cache keeps machine code without the IR it was made from. So the parent gives the child an
empty cache folder; the child steps every case under watch, then reads all that was compiled for
it.
"""

import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

from ..errors import IntflowError
from .compiled import as_rows, read_compiled
from .edges import listed
from .random_network import random_network
from .step import watch_step


def audit(cases):
    """Audit training steps in a process of their own; see `audit_trainers` for the report.

    Parameters
    ----------
    cases : [{"model", "bits", "scheme", "width", "backend", "batch_size", "threads", "device"}];
        strings and integers, as on the command line; what is left out has the Trainer's default.

    Raises
    ------
    IntflowError : one line, for a case that cannot run.
    """
    with tempfile.TemporaryDirectory(prefix="intflow-audit-") as cache:
        child = subprocess.run(
            [sys.executable, "-m", "intflow.audit"], input=json.dumps(cases), text=True,
            stdout=subprocess.PIPE, env={**os.environ, "NUMBA_CACHE_DIR": cache})
    return read_answer(child)


def read_answer(child):
    """The report of a child, or the error that it met."""
    try:
        answer = json.loads(child.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise IntflowError(f"the audit's process ended with {child.returncode} and no report; see "
                           "above for what it said")
    if "error" in answer:
        error = IntflowError(answer["error"])
        error.exit_code = answer["exit_code"]
        raise error
    return answer


def main():
    """The child: cases on stdin, a report or an error on stdout, one line of JSON each."""
    cases = json.load(sys.stdin)
    try:
        answer = audit_here(cases)
    except IntflowError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    print(json.dumps(answer))


def audit_here(cases):
    """The audit of these cases in this process; see `audit_trainers` for the report."""
    return audit_trainers(announced(cases))


def announced(cases):
    """(case, Trainer) of each; more than one are named on stderr, since all take their time."""
    for number, case in enumerate(cases, 1):
        if len(cases) > 1:
            print(f"audit {number} of {len(cases)}: {case['model']} {case.get('backend', 'auto')}",
                  file=sys.stderr, flush=True)
        yield case, make_trainer(case)


def audit_trainers(pairs):
    """The audit of trainers in this process; with a warm cache its second half finds no IR.

    Parameters
    ----------
    pairs : iterable of (dict that goes into the report, Trainer).

    Returns
    -------
    dict: "passes"; "steps", the dictionaries with "functions" and "values" counted and "finding"
    or None; "compiled", one row a function (see `compiled.Compiled`); "edges" that ran, {place:
    reason}; "exceptions", what else was let pass.
    """
    steps, edges = [], {}
    for case, trainer in pairs:
        watch = watch_step(trainer)
        edges.update(watch.edges)
        steps.append({**case, "bits": str(trainer.scheme.bits), "backend": trainer.kernels.backend,
                      "functions": len(watch.functions), "values": watch.values,
                      "finding": watch.finding})
    compiled = read_compiled() if "numba" in sys.modules else []
    passes = all(row.passes for row in compiled) and not any(step["finding"] for step in steps)
    return dict(passes=passes, steps=steps, compiled=as_rows(compiled), edges=edges,
                exceptions=listed())


def make_trainer(case):
    """The Trainer of a case; published networks get random weights."""
    from ..quantizers import SCHEMES
    from ..training import Trainer

    options = {k: v for k, v in case.items() if v is not None and k != "width"}
    options["options"] = options.pop("scheme_options", None)
    if case.get("width"):
        options["width"] = Fraction(case["width"])
    scheme = SCHEMES.get(case.get("scheme"))
    if scheme is not None and scheme.converts:
        return random_network(**options)
    return Trainer(options.pop("model"), **options)
