"""All that Numba compiles for a step is integers, and is what the other tests then run.

Numba's cache keeps machine code without the IR it was made from, so a process of its own compiles
everything anew. It keeps that code where all tests look for theirs: on a fresh checkout nothing is
compiled twice.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ANEW = """
import json
from numba.core.caching import Cache
Cache.load_overload = lambda cache, signature, context: None        # never there, but kept

from audit.nets import every_layer, trainer_of
from intflow.audit.child import audit_trainers
from intflow.kernels import available

names = [name for name, (runs, _) in available().items() if runs and name != "reference"]
pairs = [({}, trainer_of(every_layer(), loss="softmax", backend=name)) for name in names]
pairs.append(({}, trainer_of(every_layer(), "W4A16G32E16")))
print(json.dumps(audit_trainers(pairs)))
"""


def test_everything_compiled_for_a_step_passes():
    """A net with every layer, on every backend of this machine."""
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}
    child = subprocess.run([sys.executable, "-c", ANEW], env=environment, text=True,
                           capture_output=True)
    assert child.returncode == 0, child.stderr
    report = json.loads(child.stdout)
    failed = [row for row in report["compiled"] if not row["passes"]]
    assert [step["finding"] for step in report["steps"]] == [None] * len(report["steps"])
    assert report["passes"] and not failed, failed
    names = {row["name"] for row in report["compiled"]}
    assert {"kernels.jit.product.pixels_worker", "kernels.jit.product.taps_worker",
            "kernels.jit.pool._max_pool2d_part", "kernels.jit.update._stochastic_update_part",
            "kernels.jit.microkernels.dot2.block"} <= names
