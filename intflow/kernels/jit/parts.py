"""Any compiled kernel as one of the C functions that product.run_tasks calls.

Numba takes a second or two to compile a parallel loop, again for every kernel and every kind of
argument. So the package has one parallel loop (product.py), which calls C functions (plan, task,
tasks), and here every kernel of the form part(*arguments, task, tasks) becomes such a function: its
plan holds the words that compiled code takes for these arguments, and `_apply` passes them on.

    plan    address of the part, words counted in STEPs, a status, where task and tasks go, words
    words   all of 64 bits: two that the part wants for what it returns, then the arguments one
            after the other, task, tasks, and zeros to a whole STEP, which no one reads
    array   0, 0 (it does not own its memory), elements, bytes of one, address, shape, strides
    tuple   its elements; an integer is itself, a function that was compiled is 0

This is Numba's own order. Every word takes a register or a place on the stack of its own in the
calling conventions of 64-bit processors, whatever its type, and what follows the last is ignored.
"""

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils
from numba.core.dispatcher import Dispatcher

from .ir import I32, I64, case, define, load, pointer, shifted, store
from .product import run_tasks

STEP, MOST = 32, 128                    # words
ADDRESS, STEPS, STATUS, TASK, WORDS = range(5)
RESULTS = 2
WORD = 8                                # bytes
SIGNED, UNSIGNED = 1 << 63, 1 << 64


def run_parts(part, tasks, *arguments):
    """part(*arguments, task, tasks) for every task, in threads; one task is a plain call.

    Parameters
    ----------
    part : a function compiled by Numba that returns nothing.
    arguments : NumPy arrays, integers, compiled functions, tuples of those.

    Raises
    ------
    TypeError : another kind of argument, or more words than MOST.
    RuntimeError : a part failed, as it does where there is no memory for what it needs.
    """
    if tasks == 1:
        part(*arguments, 0, 1)
        return
    words, kinds = [0] * (WORDS + RESULTS), []
    for argument in arguments:
        _add(argument, words, kinds)
    task, steps = len(words), -(-(len(words) - WORDS + 2) // STEP)
    if steps * STEP > MOST:
        raise TypeError(f"{part.__name__} takes {task - WORDS} words, more than {MOST - 2}")
    words[ADDRESS], words[STEPS], words[TASK] = _address(part, tuple(kinds), arguments), steps, task
    words += [0] * (WORDS + steps * STEP - task)
    plan = np.array(words, np.int64)
    run_tasks(_apply.address, plan.ctypes.data, tasks)
    if plan[STATUS]:
        raise RuntimeError(f"{part.__name__} failed in a thread, status {plan[STATUS]}")


def _add(value, words, kinds):
    """The words of one argument, and what tells its type."""
    if isinstance(value, np.ndarray):
        # Code for one layout of memory reads another wrongly, so nothing of it may be left out.
        kinds.append((value.dtype, value.ndim, value.flags.num))
        words += (0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides)
    elif isinstance(value, tuple):
        kinds.append((type(value), len(value)))
        for element in value:
            _add(element, words, kinds)
    elif isinstance(value, (int, np.integer, np.bool_)):
        kinds.append((type(value), value >= SIGNED))
        words.append(int(value) if value < SIGNED else int(value) - UNSIGNED)
    elif isinstance(value, Dispatcher):
        kinds.append(value)
        words.append(0)
    else:
        raise TypeError(f"a kernel takes arrays, integers and tuples of them, got {type(value)}")


_ADDRESSES = {}                         # (part, kinds) -> address; as many as there is code


def _address(part, kinds, arguments):
    """Of the machine code of a part for such arguments, compiled where it is not yet."""
    key = part, kinds
    if key not in _ADDRESSES:
        signature = *map(part.typeof_pyval, arguments), types.int64, types.int64
        part.compile(signature)
        found = part.overloads[signature]
        _ADDRESSES[key] = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return _ADDRESSES[key]


# ---------------------------------------------------------------- one task
def _emit(b, arguments):
    """Call the part of a plan with a copy of its words."""
    plan, task, tasks = arguments
    plan = pointer(b, plan)
    copy = b.bitcast(cgutils.alloca_once(b, ir.ArrayType(I64, MOST)), plan.type)
    results = [b.ptrtoint(cgutils.alloca_once(b, I64), I64) for _ in range(RESULTS)]
    address = load(b, plan, I64, WORD * ADDRESS)

    def call(count):
        values = [load(b, plan, I64, WORD * (WORDS + i)) for i in range(count)]
        for i, value in enumerate(values):
            store(b, value, copy, WORD * i)
        at = b.mul(b.sub(load(b, plan, I64, WORD * TASK), I64(WORDS)), I64(WORD))
        store(b, task, shifted(b, copy, at))
        store(b, tasks, shifted(b, copy, at), WORD)
        values = results + [load(b, copy, I64, WORD * i) for i in range(RESULTS, count)]
        function = ir.FunctionType(I32, [I64] * count).as_pointer()
        status = b.call(b.inttoptr(address, function), values)
        with b.if_then(b.icmp_signed("!=", status, I32(0))):
            store(b, b.sext(status, I64), plan, WORD * STATUS)

    case(b, load(b, plan, I64, WORD * STEPS),
         {n: lambda n=n: call(n * STEP) for n in range(1, MOST // STEP + 1)})


_invoke = define(_emit)


@cfunc(types.void(types.int64, types.int64, types.int64), cache=True)
def _apply(plan, task, tasks):
    """One task of a plan."""
    _invoke((plan, task, tasks))
