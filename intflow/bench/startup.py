"""The first and the second start of a run, up to the end of its first step.

Each is a fresh process with the command line's own training; both share a folder of compiled code
that is empty before the first.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from ..errors import BenchError
from .processes import same_package

MODELS = ("vgg7",)


def run(options, tell):
    """One row a model."""
    return {"rows": [_row(model, options, tell) for model in options.models or MODELS]}


def _row(model, options, tell):
    config = dict(model=model, bits=options.bits, scheme=options.scheme, width=options.width,
                  data=options.data, data_dir=options.data_dir, batch_size=options.batch_size,
                  threads=options.threads, backend=options.backend)
    with tempfile.TemporaryDirectory() as cache:
        starts = {}
        for name in ("first", "second"):
            tell(f"startup {model}: {name} start")
            starts[name] = start(config, cache)
    return {"case": model, **starts}


def start(config, cache):
    """{"seconds", "cpu_seconds", "step_cpu_seconds"} of one start, up to the end of its first step;
    the last is of a second step: what of it is no compiling or loading.

    cache : folder of compiled code.
    """
    begun = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-m", "intflow.bench.first_step", json.dumps(config)],
        env={**os.environ, **same_package(), "NUMBA_CACHE_DIR": cache}, capture_output=True,
        text=True)
    if process.returncode:
        raise BenchError(f"a start failed: {(process.stderr.strip().splitlines() or ['?'])[-1]}")
    told = json.loads(process.stdout.splitlines()[-1])
    return {"seconds": told["at"] - begun, "cpu_seconds": told["cpu"],
            "step_cpu_seconds": told["step"]}


def lines(report):
    """Seconds of both starts."""
    for row in report["rows"]:
        for name in ("first", "second"):
            found = row[name]
            yield (f"{row['case']} {name:6} start: {found['seconds']:.2f} s to the end of step 1, "
                   f"{found['cpu_seconds']:.2f} s of processors, the step itself "
                   f"{found['step_cpu_seconds']:.2f} s")
