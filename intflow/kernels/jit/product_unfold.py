"""First layers: taps side by side, so that a segment is more than a few bytes.

With three input channels a tap is shorter than a step of a micro-kernel; side by side the taps
of a 3x3 window make 27 elements in 7 steps. `line` gets there by moving the images of a row of
pixels apart: 3 runs of 9 elements, with no tap copied twice. `unfold` copies the taps of every
output pixel. Where a tap leads outside the image there are zeros (0x80 in bytes that are offset
by 128). The PLAN is that of product_prepare.py; src is A as
`widen` or `turn` left it, so reading a few bytes past a run stays inside its slack.
"""

from numba import carray, cfunc, njit

from .ir import I32, define, load, pointer, store
from .product import partner
from .product_prepare import WORKER, copy_bytes, fill_bytes


def _emit_copy_word(b, arguments):
    dst, src = (pointer(b, a) for a in arguments)
    store(b, load(b, src, I32), dst)


def _emit_store_word(b, arguments):
    dst, value = arguments
    store(b, b.trunc(value, I32), pointer(b, dst))


_copy_word, _store_word = define(_emit_copy_word), define(_emit_store_word)


@njit(cache=True)
def copy_words(dst, dst_stride, src, src_stride, count):
    """Copy `count` words from one stride to another."""
    for n in range(count):
        _copy_word((dst + n * dst_stride, src + n * src_stride))


@njit(cache=True)
def store_words(dst, dst_stride, value, count):
    """Write a word `count` times, `dst_stride` bytes apart."""
    for n in range(count):
        _store_word((dst + n * dst_stride, value))


@njit(cache=True)
def source_pixel(p, pixel, kh, kw):
    """Index of the input pixel that a tap of an output pixel sees, or -1."""
    h = pixel // p.pixel_columns
    w = pixel - h * p.pixel_columns
    i = partner(h, kh, p.in_height, p.stride_h, p.padding_h, p.dilation_h, p.backward)
    j = partner(w, kw, p.in_width, p.stride_w, p.padding_w, p.dilation_w, p.backward)
    return i * p.in_width + j if i >= 0 and j >= 0 else -1


@cfunc(WORKER, cache=True)
def unfold_worker(plan, task, tasks):
    """[pixel][N][I] -> [output pixel][N][group][kh][kw][i]; k counts images, c bytes of a run.

    Runs are copied in whole words, left to right: what a word writes past its run is overwritten
    by the next tap, and the last falls into the padding of the row.
    """
    p = carray(plan, 1)[0]
    count = p.pixel_last - p.pixel_first
    for unit in range(count * task // tasks, count * (task + 1) // tasks):
        for kh in range(p.taps_high):
            for kw in range(p.taps_wide):
                other = source_pixel(p, p.pixel_first + unit, kh, kw)
                dst = p.dst + unit * p.dst_segment + (kh * p.taps_wide + kw) * p.c
                for g in range(p.groups):
                    for at in range(0, p.c, 4):
                        to = dst + g * p.dst_row + at
                        if other < 0:
                            store_words(to, p.groups * p.dst_row, p.flip * 0x01010101, p.k)
                        else:
                            src = p.src + other * p.src_segment + g * p.src_group + at
                            copy_words(to, p.groups * p.dst_row, src, p.src_k, p.k)


@cfunc(WORKER, cache=True)
def line_worker(plan, task, tasks):
    """[h][w][N][I] -> [h][N][zeros, w, zeros][I]: the window of a row of taps is one run of bytes.

    k counts images, c bytes of a pixel of one image; padding_w zero pixels stand to the left, and
    zeros fill the row to the right. Copies are words as in unfold_worker.
    """
    p = carray(plan, 1)[0]
    height, width = p.segments // p.in_width, p.in_width
    for h in range(height * task // tasks, height * (task + 1) // tasks):
        line = p.dst + h * p.dst_segment
        for image in range(p.k):
            fill_bytes(line + image * p.dst_row, p.flip, p.padding_w * p.c)
        for w in range(width):
            dst = line + (p.padding_w + w) * p.c
            src = p.src + (h * width + w) * p.src_segment
            for at in range(0, p.c, 4):
                copy_words(dst + at, p.dst_row, src + at, p.src_k, p.k)
        right = (p.padding_w + width) * p.c
        for image in range(p.k):
            fill_bytes(line + image * p.dst_row + right, p.flip, p.dst_row - right)


@cfunc(WORKER, cache=True)
def unfold_turned_worker(plan, task, tasks):
    """[pixel][I][N] -> [output pixel][group][kh][kw][i][N]; c counts bytes of a run of channels."""
    p = carray(plan, 1)[0]
    count = p.pixel_last - p.pixel_first
    for unit in range(count * task // tasks, count * (task + 1) // tasks):
        for g in range(p.groups):
            dst = p.dst + unit * p.dst_segment + g * p.dst_row
            for kh in range(p.taps_high):
                for kw in range(p.taps_wide):
                    other = source_pixel(p, p.pixel_first + unit, kh, kw)
                    if other >= 0:
                        copy_bytes(dst, p.src + other * p.src_segment + g * p.src_group, p.c)
                    else:
                        fill_bytes(dst, p.flip, p.c)
                    dst += p.c
