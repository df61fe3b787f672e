"""Jobs of several workers on this machine, where it has an MPI."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MPIEXEC = shutil.which("mpiexec", path=PATH)
LACK = ("mpi4py is not installed" if find_spec("mpi4py") is None
        else "there is no mpiexec" if MPIEXEC is None else None)
needs_mpi = pytest.mark.skipif(LACK is not None, reason=f"{LACK}: pip install 'intflow[mpi]'")

# More workers than cores, and as root, are things that Open MPI wants to be asked for.
ASKED = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
         "OMPI_MCA_rmaps_base_oversubscribe": "1",
         "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}


def start(workers, *arguments):
    """`mpiexec -n WORKERS python ARGUMENTS` as a Popen."""
    return subprocess.Popen(
        [MPIEXEC, "-n", str(workers), sys.executable, *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **ASKED, "PYTHONPATH": str(HERE.parent)},
    )


def finished(job, seconds=300):
    """(exit code, stdout, stderr) of a job; it is stopped after so many seconds."""
    try:
        out, err = job.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        job.kill()
        raise AssertionError(f"the job did not end: {job.communicate()}")
    return job.returncode, out, err
