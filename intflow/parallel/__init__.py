"""Many processes train as one: the group of workers on MPI.

    mpiexec -n 4 intflow train ...      every process is a worker and takes a share of each batch

N workers end in the bits of one, because everything that is summed over images is an integer and
everything random has its place in the whole batch. `group.py` says what a group is; mpi4py is
imported only where one of many processes is asked for.
"""

from ..errors import BackendError, UnknownNameError
from ..group import ALONE
from .launch import is_launched
from .watchman import Watchman

CHOICES = ("auto", "mpi", "none")


def find_group(choice="auto", watchman=None):
    """The group of this process.

    Parameters
    ----------
    choice : "mpi"; "none" for a process of its own; "auto" for MPI where mpiexec or the like
        started this process among others.
    watchman : Watchman or None; for a program that ends by `leave` of the group.

    Raises
    ------
    UnknownNameError : another choice. BackendError : there is no MPI.
    """
    if choice not in CHOICES:
        raise UnknownNameError("choice of workers", choice, CHOICES)
    if choice == "none" or (choice == "auto" and not is_launched()):
        return ALONE
    try:
        from .mpi import MpiGroup
    except (ImportError, RuntimeError) as error:        # RuntimeError: mpi4py finds no MPI library
        raise BackendError(
            f"no MPI here ({error}); install it with: pip install 'intflow[mpi]', or train alone "
            "with --workers none"
        )
    return MpiGroup(watchman)


__all__ = ["CHOICES", "Watchman", "find_group"]
