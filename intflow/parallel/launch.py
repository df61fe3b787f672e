"""What the launcher of an MPI job tells its processes, before any of them has opened MPI."""

import os

# (number of this process, number of processes) as MPICH and Intel MPI, Open MPI, and Slurm have it.
VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS"),
)


def is_launched():
    """Whether this process is one of several that were started together."""
    return _launched()[1] > 1


def launched_rank():
    """The number of this process among them; 0 where it stands alone."""
    return _launched()[0]


def _launched():
    for names in VARIABLES:
        values = [os.environ.get(name, "") for name in names]
        if all(value.isdigit() for value in values):
            return tuple(map(int, values))
    return 0, 1
