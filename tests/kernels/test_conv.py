"""The products: the reference against the sentence that defines it, every backend against it."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import FormatError, RangeError, ShapeError
from intflow.kernels import load

from kernels.products import Convolution, convolutions, product_kernels

REFERENCE = load("reference")
KERNELS, PAIRS = product_kernels(), product_kernels(threads=2)
each_backend = pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)


def same(got, want):
    """Assert that three results agree in width and value."""
    for name, a, b in zip(("forward", "error", "gradient"), got, want, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b, err_msg=name)


# ---------------------------------------------------------------- the reference
def defined(case, x, w, e):
    """The sentence of reference/conv.py, one multiply-add at a time."""
    (oh, ow), groups = case.output_size, case.groups
    y, d, g = np.zeros(e.shape, object), np.zeros(x.shape, object), np.zeros(w.shape, object)
    for h, v, kh, kw in product(range(oh), range(ow), *map(range, case.kernel)):
        ih = h * case.stride[0] - case.padding[0] + kh * case.dilation[0]
        iw = v * case.stride[1] - case.padding[2] + kw * case.dilation[1]
        if not (0 <= ih < case.height and 0 <= iw < case.width):
            continue
        for n, i, o in product(range(case.images), range(w.shape[2]), range(w.shape[3])):
            c = o // (w.shape[3] // groups) * w.shape[2] + i
            a, b, r = int(x[ih, iw, n, c]), int(w[kh, kw, i, o]), int(e[h, v, n, o])
            y[h, v, n, o] += a * b
            d[ih, iw, n, c] += r * b
            g[kh, kw, i, o] += a * r
    return y, d, g


TINY = [
    Convolution(1, 1, 2, 3, 2),
    Convolution(3, 4, 2, 2, 3, kernel=(3, 3), padding=(1, 1, 1, 1)),
    Convolution(5, 4, 1, 2, 1, kernel=(2, 3), stride=(2, 1), padding=(0, 1, 2, 0)),
    Convolution(5, 5, 1, 1, 2, kernel=(2, 2), dilation=(2, 3), groups=3),
    Convolution(2, 2, 1, 1, 1, kernel=(3, 3), stride=(3, 2), padding=(3, 2, 3, 3)),
    Convolution(3, 3, 2, 2, 2, kernel=(2, 2), padding=(1, 0, 1, 0), unsigned=True),
]


@pytest.mark.parametrize("case", TINY)
def test_reference_is_the_definition(case):
    x, w, e = case.operands()
    for got, want in zip(case.run(REFERENCE, x, w, e), defined(case, x, w, e), strict=True):
        np.testing.assert_array_equal(got, want)


def test_reference_by_hand():
    x = np.array([1, 2], np.int8).reshape(1, 1, 1, 2)
    w = np.array([[3], [-4]], np.int8).reshape(1, 1, 2, 1)
    e = np.array([5], np.int8).reshape(1, 1, 1, 1)
    y, d, g = Convolution(1, 1, 1, 2, 1).run(REFERENCE, x, w, e)
    assert y.item() == -5
    assert d.ravel().tolist() == [15, -20]
    assert g.ravel().tolist() == [5, 10]


def test_error_and_gradient_are_the_transposes():
    """<forward(x, w), e> = <x, error(e, w)> = <w, gradient(x, e)>: the exact derivative."""
    case = Convolution(5, 6, 2, 3, 4, kernel=(3, 2), stride=(2, 1), padding=(1, 0, 0, 2), groups=2)
    x, w, e = case.operands()
    y, d, g = (sums.astype(np.int64) for sums in case.run(REFERENCE, x, w, e))
    assert (y * e).sum() == (d * x).sum() == (g * w).sum()


def test_reference_refuses_what_it_cannot_hold():
    x = np.full((1, 1, 1, 2**11), 32767, np.int16)
    w = np.full((1, 1, 2**11, 1), 32767, np.int16)
    out = np.zeros((1, 1, 1, 1), np.int32)
    window = Convolution(1, 1, 1, 1, 1).window
    with pytest.raises(RangeError, match="does not fit int32"):
        REFERENCE.conv2d_forward(out, x, w, **window)
    x[0, 0, 0, 0] = -32768
    with pytest.raises(RangeError, match="symmetric"):
        REFERENCE.conv2d_forward(out.astype(np.int64), x, w, **window)
    with pytest.raises(RangeError, match="w_max=3"):
        REFERENCE.conv2d_forward(out, w.reshape(x.shape), w, **window, w_max=3)


# ---------------------------------------------------------------- every backend
@each_backend
@settings(max_examples=50)
@given(case=convolutions(), seed=st.integers(0, 99))
def test_equals_the_reference(kernels, case, seed):
    x, w, e = case.operands(seed)
    same(case.run(kernels, x, w, e), case.run(REFERENCE, x, w, e))


CORNERS = {
    "linear": Convolution(1, 1, 33, 300, 70, w_max=1),
    "linear, one image": Convolution(1, 1, 1, 130, 10),
    "classes": Convolution(1, 1, 128, 64, 10, w_max=7),
    "same 3x3": Convolution(6, 5, 20, 24, 40, kernel=(3, 3), padding=(1, 1, 1, 1), w_max=1),
    "runs shorter than a tap": Convolution(2, 2, 9, 520, 17, kernel=(2, 1), w_max=1),
    "widest small weights": Convolution(3, 3, 7, 45, 18, kernel=(3, 3), w_max=7),
    "never negative": Convolution(4, 4, 19, 33, 35, kernel=(3, 3), positive=True),
    "unfolded": Convolution(9, 9, 5, 3, 20, kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2)),
    "unfolded, grouped": Convolution(6, 5, 7, 2, 9, kernel=(3, 2), groups=3, w_max=1),
    "unfolded s16": Convolution(5, 5, 6, 3, 9, kernel=(3, 3), x_max=300, w_max=200, e_max=300),
    "depthwise": Convolution(5, 5, 6, 1, 1, kernel=(3, 3), padding=(1, 1, 1, 1), groups=19),
    "all padding": Convolution(1, 1, 3, 9, 4, kernel=(2, 2), stride=(4, 4), padding=(8, 8, 8, 8)),
    "stride beyond the kernel": Convolution(9, 9, 4, 10, 6, kernel=(2, 2), stride=(4, 3)),
    "dilated groups": Convolution(8, 8, 6, 12, 10, kernel=(3, 3), dilation=(2, 3), groups=2,
                                  padding=(2, 2, 3, 3)),
    "many images": Convolution(2, 1, 530, 9, 5),
    "mixed widths": Convolution(3, 3, 5, 9, 17, kernel=(2, 2), x_max=127, w_max=500, e_max=2000),
    "unsigned": Convolution(4, 4, 19, 33, 35, kernel=(3, 3), padding=(1,) * 4, unsigned=True),
    "unsigned, small weights": Convolution(4, 3, 9, 70, 20, kernel=(3, 3), w_max=1, e_max=7,
                                           unsigned=True),
    "unsigned, unfolded": Convolution(9, 9, 5, 3, 20, kernel=(5, 5), stride=(2, 2),
                                      padding=(2,) * 4, unsigned=True),
    "unsigned, mixed widths": Convolution(3, 3, 5, 9, 17, kernel=(2, 2), groups=2, w_max=500,
                                          e_max=2000, unsigned=True),
    "unsigned, s64": Convolution(3, 3, 10, 70, 40, kernel=(3, 3), wide=True, unsigned=True),
    "s64 of s8": Convolution(3, 3, 10, 70, 40, kernel=(3, 3), wide=True, padding=(1, 1, 1, 1)),
    "s64 of s16": Convolution(3, 3, 6, 20, 18, kernel=(2, 2), x_max=32767, w_max=32767,
                              e_max=32767),
    "s64 of s16, grouped": Convolution(5, 4, 14, 9, 20, kernel=(3, 3), groups=2, padding=(1,) * 4,
                                       x_max=32767, w_max=32767, e_max=32767),
    "s64 of s16, many images": Convolution(2, 1, 530, 9, 5, x_max=32767, w_max=9, e_max=32767),
    "s64 of s8 and s16": Convolution(2, 2, 9, 70, 20, w_max=32767, e_max=127, wide=True),
    "s64 of s16 and s8": Convolution(2, 2, 29, 70, 20, x_max=32767, e_max=32767, wide=True),
    "s32 of s16": Convolution(3, 3, 29, 20, 70, kernel=(2, 2), x_max=300, w_max=200, e_max=300),
    "s64 pieces of s16": Convolution(2, 2, 40, 700, 40, x_max=32767, w_max=90, e_max=700,
                                     wide=True),
}


@pytest.mark.parametrize("backend", KERNELS)
@pytest.mark.parametrize("case", CORNERS.values(), ids=CORNERS)
def test_corners(backend, case, monkeypatch):
    from intflow.kernels.jit import product_sizes

    x, w, e = case.operands(1)
    want = case.run(REFERENCE, x, w, e)
    same(case.run(KERNELS[backend], x, w, e), want)
    # two tasks, and every blocking at work
    monkeypatch.setattr(product_sizes, "SMALL", 0)
    for name in ("CHUNK_BYTES", "RUN_BYTES", "ROWS_BYTES", "OUT_BYTES"):
        monkeypatch.setattr(product_sizes, name, 3000)
    monkeypatch.setattr(product_sizes, "IMAGES_AT_A_TIME", 70)
    same(case.run(PAIRS[backend], x, w, e), want)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_tasks_change_nothing(threads, monkeypatch):
    from intflow.kernels.jit import product_sizes

    monkeypatch.setattr(product_sizes, "SMALL", 0)
    for name in ("same 3x3", "unfolded, grouped"):
        case = CORNERS[name]
        x, w, e = case.operands(2)
        same(case.run(load("auto", threads), x, w, e), case.run(REFERENCE, x, w, e))


# ---------------------------------------------------------------- extremes
FITS = (2**31 - 1) // 127**2  # products of s8 that s32 always holds: 133144


def flat(k, x, w):
    """Linear with one image and one output: k products of x and w."""
    return (np.full((1, 1, 1, k), x, np.int8), np.full((1, 1, k, 1), w, np.int8),
            Convolution(1, 1, 1, 1, 1).window)


@each_backend
@pytest.mark.parametrize("x, w", [(127, 127), (-127, 127), (127, -127), (-127, -127)])
def test_longest_s32_sums(kernels, x, w):
    a, b, window = flat(FITS, x, w)
    out = np.zeros((1, 1, 1, 1), np.int32)
    kernels.conv2d_forward(out, a, b, **window)
    assert out.item() == FITS * x * w
    kernels.conv2d_error(out, a, b.reshape(1, 1, 1, FITS), **window)
    assert out.item() == FITS * x * w
    images = a.reshape(1, 1, FITS, 1)
    kernels.conv2d_gradient(out, images, b.reshape(1, 1, FITS, 1), **window)
    assert out.item() == FITS * x * w


@each_backend
@pytest.mark.parametrize("w", [1, 127, -127])
def test_longest_sums_of_unsigned(kernels, w):
    fits = (2**31 - 1) // (255 * abs(w))
    for k, dtype in ((min(fits, 200_000), np.int32), (min(2 * fits, 400_000), np.int64)):
        a, b = np.full((1, 1, 1, k), 255, np.uint8), np.full((1, 1, k, 1), w, np.int8)
        out = np.zeros((1, 1, 1, 1), dtype)
        kernels.conv2d_forward(out, a, b, **Convolution(1, 1, 1, 1, 1).window, w_max=abs(w))
        assert out.item() == k * 255 * w
        kernels.conv2d_gradient(out, a.reshape(1, 1, k, 1), b.reshape(1, 1, k, 1),
                                **Convolution(1, 1, 1, 1, 1).window)
        assert out.item() == k * 255 * w


@each_backend
@pytest.mark.parametrize("x, w", [(127, 127), (-127, 127)])
def test_longer_sums_are_promoted(kernels, x, w):
    k = 3 * FITS + 5
    a, b, window = flat(k, x, w)
    out = np.zeros((1, 1, 1, 1), np.int64)
    kernels.conv2d_forward(out, a, b, **window)
    assert out.item() == k * x * w
    kernels.conv2d_error(out, a, b.reshape(1, 1, 1, k), **window)
    assert out.item() == k * x * w
    kernels.conv2d_gradient(out, a.reshape(1, 1, k, 1), b.reshape(1, 1, k, 1), **window)
    assert out.item() == k * x * w


@each_backend
def test_widest_operands(kernels):
    """s16 x s16 at full range: two products reach 2**31."""
    for x, w in ((32767, 32767), (-32767, 32767)):
        case = Convolution(2, 3, 5, 37, 9, x_max=32767, w_max=32767, e_max=32767)
        operands = [np.full_like(codes, value) for codes, value in
                    zip(case.operands(), (x, w, w), strict=True)]
        same(case.run(kernels, *operands), case.run(REFERENCE, *operands))


@each_backend
@pytest.mark.parametrize("w_max", [1, 2, 3, 4, 7, 8, 15, 127])
def test_no_sum_of_small_weights_saturates(kernels, w_max):
    """The longest run of equal signs, for every run length between two widenings."""
    for x, w in product((-127, 127), (-w_max, w_max)):
        case = Convolution(1, 2, 2, 700, 17, kernel=(1, 2), w_max=w_max)
        operands = [np.full_like(codes, value) for codes, value in
                    zip(case.operands(), (x, w, x), strict=True)]
        same(case.run(kernels, *operands), case.run(REFERENCE, *operands))


# ---------------------------------------------------------------- memory
@each_backend
def test_any_alignment(kernels):
    case = Convolution(3, 4, 5, 18, 21, kernel=(2, 3), w_max=1)
    operands = case.operands(3)
    want = case.run(REFERENCE, *operands)
    for offset in (1, 7, 33):
        moved = [shifted(codes, offset) for codes in operands]
        same(case.run(kernels, *moved), want)


def shifted(codes, offset):
    """A copy at an odd address."""
    raw = np.zeros(codes.nbytes + offset + 64, np.uint8)
    copy = raw[offset : offset + codes.nbytes].view(codes.dtype).reshape(codes.shape)
    copy[...] = codes
    return copy


@each_backend
def test_axes_of_one_may_have_any_stride(kernels):
    """NumPy calls x[:, :, None] contiguous and gives the new axis a stride of 0."""
    case = Convolution(4, 4, 1, 1, 12, kernel=(3, 3))
    x, w, e = case.operands(4)
    x, w, e = x[:, :, 0, None], w[:, :, 0][:, :, None], e[:, :, 0][:, :, None]
    assert w.flags.c_contiguous and w.strides[2] == 0
    same(case.run(kernels, x, w, e), case.run(REFERENCE, x, w, e))


GUARDED = """
import ctypes, mmap, sys
import numpy as np
from kernels.products import Convolution, product_kernels
from kernels.test_conv import CORNERS, REFERENCE, same
libc = ctypes.CDLL(None)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
kept = []

def guarded(codes, at_end):
    'A copy whose neighbouring bytes, behind or before, belong to a page that may not be read.'
    page = mmap.PAGESIZE
    size = -(-codes.nbytes // page) * page
    memory = mmap.mmap(-1, size + 2 * page)
    kept.append(memory)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for edge in (start, start + page + size):
        assert libc.mprotect(edge, page, 0) == 0
    offset = page + (size - codes.nbytes if at_end else 0)
    copy = np.frombuffer(memory, codes.dtype, codes.size, offset).reshape(codes.shape)
    copy[...] = codes
    return copy

for name in ("linear", "same 3x3", "never negative", "unfolded", "unfolded s16", "mixed widths",
             "dilated groups", "s64 of s16", "linear, one image"):
    case = CORNERS[name]
    operands = case.operands(5)
    want = case.run(REFERENCE, *operands)
    for at_end in (True, False):
        moved = [guarded(codes, at_end) for codes in operands]
        for kernels in product_kernels().values():
            same(case.run(kernels, *moved), want)
            outs = [guarded(sums, at_end) for sums in want]
            kernels.conv2d_forward(outs[0], *moved[:2], **case.window, w_max=case.w_max)
            kernels.conv2d_error(outs[1], moved[2], moved[1], **case.window, w_max=case.w_max)
            kernels.conv2d_gradient(outs[2], moved[0], moved[2], **case.window)
            same(outs, want)
print("inside")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses mprotect")
def test_nothing_is_read_or_written_outside_the_arrays():
    """In a process of its own: a byte too far ends it."""
    done = subprocess.run([sys.executable, "-c", GUARDED], capture_output=True, text=True,
                          env=child_environment(), timeout=300)
    assert done.returncode == 0 and done.stdout == "inside\n", done.stderr[-2000:]


def child_environment():
    """The environment with this process's import path."""
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


# ---------------------------------------------------------------- the door
@each_backend
def test_wrong_arrays_are_refused(kernels):
    case = Convolution(4, 4, 2, 3, 5, kernel=(3, 3))
    x, w, e = case.operands()
    out = np.zeros(e.shape, np.int32)
    with pytest.raises(ShapeError, match=r"\(2, 2, 2, 5\)"):
        kernels.conv2d_forward(out[:1].copy(), x, w, **case.window)
    with pytest.raises(ShapeError, match="input channels"):
        kernels.conv2d_forward(out, x[..., :2], w, **case.window)
    with pytest.raises(ShapeError, match="start at 1"):
        kernels.conv2d_error(np.zeros(x.shape, np.int32), e, w, **{**case.window, "groups": 0})
    with pytest.raises(FormatError, match="float64"):
        kernels.conv2d_forward(out, x.astype("f8"), w, **case.window)
    with pytest.raises(FormatError, match="s32 or s64"):
        kernels.conv2d_gradient(np.zeros(w.shape, np.int16), x, e, **case.window)
