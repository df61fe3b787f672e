"""What the processor's vectors do in registers alone: products of signs a second, no memory.

Two loops of independent chains: xor, popcount and add for every word, as the limit is usually
told; and the full adder of microkernels/popcount.py, which takes five operations for two words.
"""

import time

from llvmlite import ir
from numba import cfunc, types

from intflow.kernels.jit import cpu
from intflow.kernels.jit.ir import I64, define, loop, pointer, splat, store, vector

SIGNATURE = types.void(types.int64, types.int64, types.int64)
CHAINS = 10
ROUNDS = 1 << 20


def products_per_second():
    """{loop: products of signs a second} on one thread, the best of several runs."""
    from intflow.kernels.jit.microkernels import popcount

    native = cpu.lacks("avx512f", "avx512vpopcntdq") is None
    if native:
        from intflow.kernels.jit.microkernels.popcount_native import LANES
        from intflow.kernels.jit.microkernels.popcount_native import Ternary as logic
    else:
        from intflow.kernels.jit.microkernels.popcount_generic import LANES
        logic = popcount.Logic
    loops = {"xor, popcount, add": (_plain(popcount), 1),
             "full adder": (_adder(popcount, logic), 2)}
    return {name: _rate(_compiled(step, LANES), words * LANES * 64 * CHAINS)
            for name, (step, words) in loops.items()}


def _plain(popcount):
    def step(b, count, left, word):
        return b.add(count, popcount.popcount(b, b.xor(count, word))), left
    return step


def _adder(popcount, logic):
    def step(b, count, left, word):
        after = logic.xor3(b, left, count, word)
        carry = logic.carry(b, left, after, b.xor(count, word))
        return b.add(count, popcount.popcount(b, carry)), after
    return step


def _compiled(step, lanes):
    """void f(address of a result, rounds, word): CHAINS chains of `step`."""
    kind = vector(I64, lanes)

    def emit(b, arguments):
        out, rounds, word = arguments
        word = splat(b, word, kind)
        start = [ir.Constant(kind, [i + 1] * lanes) for i in range(2 * CHAINS)]

        def body(b, k, state):
            pairs = [step(b, state[i], state[CHAINS + i], word) for i in range(CHAINS)]
            return [p[0] for p in pairs] + [p[1] for p in pairs]

        for i, value in enumerate(loop(b, rounds, start, body)):
            store(b, value, pointer(b, out), 8 * lanes * i)

    chains = define(emit)

    @cfunc(SIGNATURE)
    def function(out, rounds, word):
        chains((out, rounds, word))

    return function


def _rate(function, products):
    import numpy as np

    out = np.zeros(64 * 2 * CHAINS, np.uint8)
    seconds = []
    for _ in range(7):
        start = time.process_time()
        function.ctypes(out.ctypes.data, ROUNDS, 0x5555)
        seconds.append(time.process_time() - start)
    return products * ROUNDS / min(seconds)
