"""The compile-time audit: everything Numba compiled in this process, as LLVM IR and as assembly.

Nothing is listed by hand: every dispatcher (@njit) and every C function (@cfunc) that holds
compiled code is found among the objects of the process, Numba's own helpers with them. The IR of a
function is that of its finished module: its loops, what was inlined or linked into it, the bodies
of its parallel loops, the entry that Python calls. Hand-written micro-kernels are C functions and
stand there too.
"""

import gc
import platform
import warnings
from dataclasses import asdict, dataclass

from .instructions import assembly_floats, ir_floats

LINES_SHOWN = 3


@dataclass
class Compiled:
    """A compiled function, all its signatures together.

    name : module and function, without the package.
    signatures : int
    ir, assembly : instructions of its modules.
    moves : instructions of the assembly that are named for floats and only move bits.
    floats : [str]; the first lines that compute with floats, of IR and assembly.
    cached : bool; loaded from a cache, so that there was no IR to read.
    """

    name: str
    signatures: int = 0
    ir: int = 0
    assembly: int = 0
    moves: int = 0
    floats: list = None
    cached: bool = False

    @property
    def passes(self):
        """Whether all of it was read and none of it is a float."""
        return not self.floats and not self.cached


def read_compiled(functions=None):
    """[Compiled] of these dispatchers and C functions, by name; of all there are if not given."""
    rows = {}
    for function in functions if functions is not None else find_functions():
        name = name_of(function)
        for library in libraries(function):
            row = rows.setdefault(name, Compiled(name, floats=[]))
            read_library(row, library)
    return [rows[name] for name in sorted(rows)]


def find_functions():
    """Every dispatcher and C function of Numba that is alive."""
    from numba.core.ccallback import CFunc
    from numba.core.dispatcher import Dispatcher

    return [o for o in gc.get_objects() if isinstance(o, (CFunc, Dispatcher))]


def libraries(function):
    """The modules of compiled code that a function stands for, one a signature."""
    if hasattr(function, "overloads"):
        return [result.library for result in function.overloads.values()]
    return [function._library]


def name_of(function):
    """Where a function comes from: kernels.jit.pool._relu."""
    python = getattr(function, "py_func", None) or function._pyfunc
    return f"{python.__module__.removeprefix('intflow.')}.{python.__qualname__}"


def read_library(row, library):
    """Add a module of compiled code to its row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # code from a cache has no IR: the row will say so
        text = library.get_llvm_str()
    row.signatures += 1
    if "define " not in text:
        row.cached = True
        return
    ir, floats = ir_floats(text)
    assembly, moves, more = assembly_floats(library.get_asm_str(), platform.machine())
    row.ir += ir
    row.assembly += assembly
    row.moves += moves
    row.floats = (row.floats + floats + more)[:LINES_SHOWN]


def as_rows(compiled):
    """The same as dictionaries, for a report."""
    return [{**asdict(c), "passes": c.passes} for c in compiled]
