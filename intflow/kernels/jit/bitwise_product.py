"""Products of operands packed as bits: the fast twin of reference/bitwise_product.py.

Lingo: a *row* is an image at an output pixel, M = OH * OW * N of them; a *row block* is MR rows, a
*panel* NR columns (output channels of a group), a *run* the row blocks that are gathered at a time.
K words (taps by words of a group's channels) are contracted.

The words under a row's window are gathered side by side, words of 0 where a tap lies outside the
image, so that the micro-kernel (microkernels/popcount.py) sees one plain product. What those taps
add by mistake depends on the weights and on which taps they are; rows that lose the same taps are
a *class*, and the sums of a class start from what undoes it:

    x       w       op   start                                          scale
    signs   signs   xor  channels * taps inside + 2 * bits of w outside  -2
    planes  signs   xor  sum of x_steps * all bits of w                  -x_step
    signs   planes  and  -sum of w_steps * bits of w inside               2 * w_step
    planes  planes  and  0                                               x_step * w_step
"""

from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
from numba import njit

from ..buffers import is_planning
from ..geometry import geometry
from . import cpu
from .bitwise_gather import (
    Classes,
    address,
    count_bits,
    gather_run,
    pack_panels_part,
    regroup,
)
from .ir import call
from .memory import Workspaces
from .parts import run_parts
from .primitives import SERIAL, launch, share

RUN_BYTES = 128 << 10       # of rows gathered at a time, in L2 while panels go by
SMALL = 1 << 20             # one-bit products of a call that is not worth a second task
UNITS = 4                   # shares of a task, at least, where the sizes allow


class Micro(NamedTuple):
    """Addresses of the kernels for xor and and, and the block: MR and NR."""

    differing: int
    common: int
    rows: int
    columns: int


class Sizes(NamedTuple):
    """What the loops need: rows M, columns of a group, K and its pairs, planes, and cuts."""

    m: int
    width: int
    groups: int
    pairs: int
    mr: int
    nr: int
    panels: int
    run: int
    parts: int


def micro_kernel(native):
    """The micro-kernels of this processor; `native` asks for AVX512 where it is there."""
    if native and cpu.lacks("avx512f", "avx512vpopcntdq") is None:
        from .microkernels import popcount_native as kernel
    else:
        from .microkernels import popcount_generic as kernel
    return Micro(kernel.differing.address, kernel.common.address, kernel.ROWS, kernel.COLUMNS)


class Products:
    """The product with the micro-kernels of one backend; `emulated` as in `kernels.load`."""

    def __init__(self, backend, emulated=False):
        self._micro = micro_kernel(backend in ("vnni", "amx") and not emulated)
        self._memory = Workspaces()
        self._lock = Lock()     # one call at a time uses the workspaces

    def bitwise_forward(self, out, x, w, channels, x_steps, w_steps, stride, padding, dilation,
                        groups, ntask=1):
        """See reference/bitwise_product.py."""
        x_shape = (*x.shape[1:4], channels * groups)
        w_shape = (*w.shape[1:3], channels, w.shape[4])
        where = geometry(x_shape, w_shape, out.shape, stride, padding, dilation, groups)
        x, w = (np.ascontiguousarray(words) for words in (x, w))
        if groups > 1 and channels % 64:
            x = regroup(x, channels, groups, w.shape[3])
        ntask = ntask if where.products * len(x) * len(w) > SMALL else 1
        with self._lock:
            self._run(out, x, w, where, tuple(x_steps), tuple(w_steps), ntask)

    def _run(self, out, x, w, where, x_steps, w_steps, ntask):
        sizes = _cut(self._micro, where, len(x), w.shape[3], ntask)
        differ = not w_steps
        panels = self._panels(w, sizes, differ, ntask)
        work = self._work(sizes, len(x), ntask)
        if is_planning():
            return
        classes, scales = _starts(w, where, sizes, x_steps, w_steps)
        micro = self._micro.differing if differ else self._micro.common
        pixels = x.reshape(len(x), -1, *x.shape[3:])
        run_parts(_product_part, ntask, out.reshape(sizes.m, -1), pixels, panels, scales, work, sizes,
                  where.rows, where.columns, classes, differ, micro)

    def _panels(self, w, sizes, differ, ntask):
        """B: (groups, Q, panels, 2 * pairs, NR)."""
        shape = (sizes.groups, len(w), sizes.panels, 2 * sizes.pairs, sizes.nr)
        panels = self._memory.array("panels", shape)
        rows = w.reshape(len(w), -1, w.shape[4])
        launch(pack_panels_part, w.size, ntask, panels, rows, differ)
        return panels

    def _work(self, sizes, planes, ntask):
        """Private memory: the gathered run, the addresses where rows start, one block."""
        run, block = sizes.run * sizes.mr, sizes.mr * sizes.nr // 2
        size = run * (2 * sizes.pairs * planes + 2) + block
        return self._memory.array("work", (ntask, -(-size // 8) * 8))


def _cut(micro, where, planes, words, ntask):
    """Sizes of a call."""
    m = where.rows.outputs * where.columns.outputs * where.images
    pairs = -(-where.taps * words // 2)
    blocks = -(-m // micro.rows)
    run = min(blocks, max(1, RUN_BYTES // (16 * pairs * micro.rows * planes)))
    panels = -(-where.group_outputs // micro.columns)
    units = -(-blocks // run) * where.groups
    parts = 1 if ntask == 1 else min(panels, max(1, UNITS * ntask // units))
    return Sizes(m, where.group_outputs, where.groups, pairs, micro.rows, micro.columns, panels,
                 run, parts)


def _classes(where, everywhere):
    """(class of each row of pixels, of each column, taps inside (classes, KH * KW)).

    everywhere : taps outside do no harm, so that there is one class.
    """
    if everywhere:
        tops, lefts = (np.zeros(axis.outputs, np.int64) for axis in (where.rows, where.columns))
        return tops, lefts, np.ones((1, where.taps), np.int64)
    (high, tops), (wide, lefts) = _taps_inside(where.rows), _taps_inside(where.columns)
    valid = high[:, None, :, None] & wide[None, :, None, :]
    return tops * len(wide), lefts, valid.reshape(-1, where.taps).astype(np.int64)


@lru_cache(maxsize=256)
def _taps_inside(axis):
    """Which taps of an output lie inside: the kinds (kinds, taps), and the kind of each output."""
    at = (np.arange(axis.outputs)[:, None] * axis.stride - axis.padding
          + np.arange(axis.taps) * axis.dilation)
    kinds, kind = np.unique((at >= 0) & (at < axis.inputs), axis=0, return_inverse=True)
    return kinds, kind.reshape(-1).astype(np.int64)


def _starts(w, where, sizes, x_steps, w_steps):
    """(Classes, scales (P, Q) s64): the table at the head of this file."""
    tops, lefts, inside = _classes(where, everywhere=bool(x_steps))
    sums = np.zeros((len(inside), w.shape[4]), np.int64)
    bits = None
    if not (x_steps and w_steps) and (x_steps or w_steps or not inside.all()):
        bits = count_bits(w.reshape(len(w), where.taps, -1, w.shape[4]))
    if x_steps and w_steps:
        scales = np.outer(x_steps, w_steps)
    elif x_steps:
        sums += sum(x_steps) * bits[0].sum(axis=0)
        scales = -np.array(x_steps)[:, None]
    elif w_steps:
        sums -= sum(step * (inside @ plane) for step, plane in zip(w_steps, bits))
        scales = 2 * np.array(w_steps)[None]
    else:
        sums += where.group_inputs * inside.sum(axis=1)[:, None]
        sums += 0 if bits is None else 2 * ((1 - inside) @ bits[0])
        scales = np.array([[-2]])
    starts = np.zeros((len(inside), sizes.groups, sizes.panels * sizes.nr), np.int32)
    starts[:, :, :sizes.width] = sums.reshape(len(inside), sizes.groups, sizes.width)
    return Classes(tops, lefts, starts), scales.astype(np.int64)


@njit(**SERIAL)
def _product_part(out, x, panels, scales, work, sizes, rows, columns, classes, differ, micro, task,
                  ntask):
    """Units are parts of the panels of a group for a run of row blocks."""
    mr = sizes.mr
    blocks = (sizes.m + mr - 1) // mr
    runs = (blocks + sizes.run - 1) // sizes.run
    a, bases, targets, block = _own_memory(work[task], sizes, x.shape[0])
    gathered = -1
    first, last = share(runs * sizes.groups * sizes.parts, task, ntask)
    for unit in range(first, last):
        part, rest = unit % sizes.parts, unit // sizes.parts
        group, run = rest % sizes.groups, rest // sizes.groups
        row = run * sizes.run * mr
        count = min(sizes.run, blocks - run * sizes.run)
        if rest != gathered:
            gather_run(a, bases, x, group, row, count, sizes, rows, columns, classes, differ)
            gathered = rest
        start, stop = share(sizes.panels, part, sizes.parts)
        for panel in range(start, stop):
            width = min(sizes.nr, sizes.width - panel * sizes.nr)
            whole = min(count, (sizes.m - row) // mr) if width == sizes.nr else 0
            column = group * sizes.width + panel * sizes.nr
            b = panels[group, :, panel]
            if whole:
                target = address(out[row:, column:])
                _multiply(micro, target, out.strides[0], bases, targets, panel, scales, a, b, sizes,
                          whole)
            for i in range(whole, count):
                at = i * mr
                _multiply(micro, address(block), 4 * sizes.nr, bases[at:], targets, panel, scales,
                          a[at * 2 * sizes.pairs * x.shape[0]:], b, sizes, 1)
                _keep(out[row + at:, column:column + width], block, sizes)


@njit(**SERIAL)
def _own_memory(work, sizes, planes):
    """A task's memory: gathered words, where rows start, where they go, one block s32."""
    run, block = sizes.run * sizes.mr, sizes.mr * sizes.nr // 2
    size = run * 2 * sizes.pairs * planes
    out = work[size + 2 * run:size + 2 * run + block].view(np.int32)
    bases, targets = work[size:size + run], work[size + run:size + 2 * run]
    return work[:size], bases, targets, out


@njit(**SERIAL)
def _multiply(micro, dst, ldd, bases, targets, panel, scales, a, b, sizes, blocks):
    """Row blocks times one panel: the first planes start from bases, the others from dst."""
    planes, size = scales.shape[0], 16 * sizes.pairs * sizes.mr
    if scales.size > 1:
        for r in range(blocks * sizes.mr):
            targets[r] = np.uint64(dst + r * ldd)
    base, column = address(bases), 4 * panel * sizes.nr
    for p in range(planes):
        for q in range(scales.shape[1]):
            call(micro, (dst, ldd, base, column, scales[p, q], address(a) + p * size,
                         planes * size, address(b[q]), sizes.pairs, blocks))
            base, column = address(targets), 0


@njit(**SERIAL)
def _keep(out, block, sizes):
    """Copy the part of a block that exists."""
    for r in range(min(len(out), sizes.mr)):
        line, source = out[r], block[r * sizes.nr:]
        for c in range(line.size):
            line[c] = source[c]
