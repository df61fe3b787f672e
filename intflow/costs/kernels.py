"""What every kernel costs: operations and bytes from sizes and formats alone.

Each function stands for the kernel of its name in kernels/reference and says what one call counts.
A datapath is counted, not a processor: it does the same for all data, so a shift by no places is
a shift. Signs are kept apart, so |x| and -x are free, as are selections, masks (AND) and
addresses. Every operand is read once and every result written once, as wide as the engine stores
it.

Lingo: n elements; role as in counts.py; fmt a format (Fixed, Minifloat, Float).
"""

from math import prod

from ..formats import Binary, Fixed, Minifloat, PowerOfTwo
from ..ops import bound_bits
from .counts import Counts
from .widths import Float, container, mac_width, shifted_width

BYTE = Fixed(8, 0, signed=False)
MASK = Fixed(1, 0, signed=False)        # a byte in the engine
EXPONENT = "8"                          # a sum of two exponents takes 5 bits


def encode_images(n, codes):
    """A look-up for every pixel."""
    return Counts.of([("lookup", container(codes), n)],
                     [("activations", n, BYTE)], [("activations", n, codes)])


def centre_images(n, codes):
    """A subtraction for every pixel."""
    return Counts.of([("add", container(codes), n)],
                     [("activations", n, BYTE)], [("activations", n, codes)])


def product(sizes, a, b, total, read, written):
    """One of the three products of a layer: a multiply-accumulate for every term of every sum.

    A minifloat b is multiplied by its significand and the product shifted by its exponent. With
    powers of two there is no multiplication: see `shift_and_add`.

    Parameters
    ----------
    sizes : kernels.geometry.Geometry
    a, b, total : formats of the operands and of the sums.
    read, written : [(role, n, fmt)]
    """
    n, padding = sizes.products, sizes.products - inside(sizes)
    if isinstance(a, PowerOfTwo) or isinstance(b, PowerOfTwo):
        operations = shift_and_add(n, a, b, total)
        return Counts.of([*operations, ("padding", operations[0][1], padding)], read, written)
    width = mac_width(a, b, total)
    operations = [("mac", width, n), ("padding", width, padding)]
    if isinstance(b, Minifloat):
        operations.append(("shift", container(total), n))
    return Counts.of(operations, read, written)


def shift_and_add(n, a, b, total):
    """Operations of n products of which a factor at least is a power of two, each added to a sum.

    A shift as wide as the product, and an addition; before them, where both are powers, an addition
    of their exponents. Signs and zeros are selections.

    Examples
    --------
    PowerOfTwo(4), codes up to 64, times 8 bits: 64 * 127 takes 14 bits, a shift of 16.
    """
    both = isinstance(a, PowerOfTwo) and isinstance(b, PowerOfTwo)
    product = Fixed(bound_bits(a, b, 1), 0)
    return [("shifted", shifted_width(a, b, total), n), ("add", EXPONENT, n * both),
            ("shift", container(product), n), ("add", container(total), n)]


def inside(sizes):
    """Multiply-accumulates of a convolution without those on padding.

    Examples
    --------
    3x3 window, padding 1, stride 1 on 4x4 pixels: 10 * 10 of 144 for each pair of channels.
    """
    rows, columns = (sum(len(range(axis.outputs)[axis.reach(tap)[0]]) for tap in range(axis.taps))
                     for axis in (sizes.rows, sizes.columns))
    return rows * columns * sizes.images * sizes.outputs * sizes.group_inputs


def relu(n, fmt):
    """A comparison with 0; the mask is written."""
    return Counts.of([("compare", container(fmt), n)], [("activations", n, fmt)],
                     [("activations", n, fmt), ("masks", n, MASK)])


def apply_mask(n, fmt, mask=MASK):
    """A selection: nothing but its bytes."""
    return Counts.of(read=[("errors", n, fmt), ("masks", n, mask)], written=[("errors", n, fmt)])


def binarize(n, wide, role, mask=None):
    """The sign bit; two comparisons for the mask, where there is one."""
    compared = [] if mask is None else [("compare", container(wide), 2 * n)]
    written = [] if mask is None else [("masks", n, mask)]
    return Counts.of(compared, [(role, n, wide)], [(role, n, Binary()), *written])


def adamax_update(n, gradient, master, average):
    """The gradient aligned and cut; two averages, of which one is the larger of two; its exponent;
    a shift and a step that saturates. Four shifts and their carries."""
    width = container(gradient)
    kept = [("weights", n, master), ("weights", 2 * n, average)]
    return Counts.of(
        [("shift", width, 4 * n), ("add", width, 7 * n), ("compare", width, 6 * n),
         ("lookup", width, n)], [*kept, ("gradients", n, gradient)], kept)


def add_aligned(n, a, b, total, role):
    """The coarser operand is shifted to the finer step, and the two are added."""
    shift = [] if isinstance(total, Float) else [("shift", container(total), n)]
    return Counts.of([*shift, ("add", container(total), n)],
                     [(role, n, a), (role, n, b)], [(role, n, total)])


def add_bias(n, x, total, channels, bias):
    """A bias is shifted to the finer step, and one added to every number."""
    shift = [] if isinstance(total, Float) else [("shift", container(total), n)]
    return Counts.of([*shift, ("add", container(total), n)],
                     [("activations", n, x), ("weights", channels, bias)],
                     [("activations", n, total)])


def scale_channels(n, x, a, total, channels, bias):
    """A multiply-accumulate for every number."""
    return Counts.of([("mac", mac_width(x, a, total), n)],
                     [("activations", n, x), ("weights", channels, a), ("weights", channels, bias)],
                     [("activations", n, total)])


def multiply(n, total, read, written):
    """A multiplication for every number."""
    return Counts.of([("multiply", container(total), n)], read, written)


def requantize_levels(n, wide, narrow, role):
    """`requantize` to a grid: a multiplication by its levels, and two comparisons before it."""
    return requantize(n, wide, narrow, role) + Counts.of(
        [("multiply", container(wide), n), ("compare", container(wide), 2 * n)])


def momentum_update(n, gradient, master, velocity, p=1, q=1):
    """The gradient's part and the loss of the velocity rounded with a random number each, summed;
    the velocity rounded with a third and taken from the weight; both saturate."""
    width = container(gradient)
    operations = [("random", "32", 3 * n), ("add", width, 6 * n), ("compare", width, 4 * n)]
    operations += [("multiply", width, n)] if p != 1 else []
    operations += [("shift", width, 6 * n)] if q == 1 else [
        ("shift", width, 4 * n), ("multiply", width, n), ("divide", width, n)]
    moved = [("weights", n, master), ("weights", n, velocity)]
    return Counts.of(operations, [*moved, ("gradients", n, gradient)], moved)


def requantize(n, wide, narrow, role):
    """A shift, the carry of the rounding, two comparisons that saturate."""
    width = container(wide)
    return Counts.of([("shift", width, n), ("add", width, n), ("compare", width, 2 * n)],
                     [(role, n, wide)], [(role, n, narrow)])


def requantize_to_power(n, wide, narrow, role):
    """An exponent, as in `adamax_update`, brought to the step by an addition; below the smallest
    power is 0, above the largest the largest: two comparisons."""
    return Counts.of(
        [("lookup", container(wide), n), ("add", EXPONENT, n), ("compare", EXPONENT, 2 * n)],
        [(role, n, wide)], [(role, n, narrow)])


def requantize_masked(n, wide, narrow):
    """`requantize`, and two more comparisons for the mask, which compares before rounding."""
    return requantize(n, wide, narrow, "activations") + Counts.of(
        [("compare", container(wide), 2 * n)], written=[("masks", n, MASK)])


def max_abs(n, fmt, role):
    """Two comparisons: with the largest and with the smallest number so far."""
    return Counts.of([("compare", container(fmt), 2 * n)], [(role, n, fmt)])


def sum_squares(n, fmt, role):
    """A multiply-accumulate for every number."""
    return Counts.of([("mac", mac_width(fmt, fmt, fmt), n)], [(role, n, fmt)])


def max_pool2d(pool, fmt):
    """A comparison for every pixel of a window but its first, padding left out."""
    return Counts.of(
        [("compare", container(fmt), pool.taps - pool.small)],
        [("activations", pool.large, fmt)],
        [("activations", pool.small, fmt), ("masks", pool.small, pool.winner)])


def max_pool2d_backward(pool, e, total):
    """An addition for every error, to what other windows gave its winner."""
    return Counts.of([("add", container(total), pool.small)],
                     [("errors", pool.small, e), ("masks", pool.small, pool.winner)],
                     [("errors", pool.large, total)])


def avg_pool2d(pool, fmt, mean):
    """An addition for every pixel of a window but its first; then a rounded division."""
    return Counts.of(
        [("add", container(mean), pool.taps - pool.small), *_rounded_division(pool, mean)],
        [("activations", pool.large, fmt)], [("activations", pool.small, mean)])


def avg_pool2d_backward(pool, e, total):
    """A rounded division for every error, an addition for every pixel that gets it."""
    return Counts.of(
        [("add", container(total), pool.taps), *_rounded_division(pool, total)],
        [("errors", pool.small, e)], [("errors", pool.large, total)])


def _rounded_division(pool, fmt):
    """A division, or a shift where the window's size is a power of two; the carry of the rounding.

    Floats neither shift nor round by themselves: one multiplication by the reciprocal.
    """
    if isinstance(fmt, Float):
        return [("multiply", container(fmt), pool.small)]
    size = prod(pool.kernel_size)
    name = "divide" if size & (size - 1) else "shift"
    return [(name, container(fmt), pool.small), ("add", container(fmt), pool.small)]


def local_response_norm(n, squares, fmt, total):
    """A square for every number, `squares` - n additions of neighbours' squares, a power, a product.

    In integers 4 multiplications (square, factor, line between two knots, x times the power), 3
    shifts (factor, leading one, line), 2 look-ups and 5 more additions (offset, two roundings,
    two differences of the line), all but the last product in 64 bits. In floats the power is one
    look-up.
    """
    moved = [("activations", n, fmt)], [("activations", n, total)]
    if isinstance(total, Float):
        width = container(total)
        return Counts.of(
            [("multiply", width, 3 * n), ("lookup", width, n), ("add", width, squares)], *moved)
    return Counts.of(
        [("multiply", "64", 3 * n), ("multiply", container(total), n), ("shift", "64", 3 * n),
         ("lookup", "32", 2 * n), ("add", "64", 5 * n + squares - n)], *moved)


def stochastic_update(n, gradient, master, p=1, q=1):
    """One random number a weight, scaled below the divisor and added to |g|; the sum is divided and
    taken from the weight, which saturates by two comparisons.

    Scaling and division are shifts where the rate is a power of two. Else there is a multiplication
    by its odd numerator p, and with an odd denominator q a multiplication and a division in place
    of the two shifts. The step itself is not kept.
    """
    width = container(gradient)
    operations = [("random", "32", n), ("add", width, 2 * n), ("compare", width, 2 * n)]
    operations += [("multiply", width, n)] if p != 1 else []
    operations += [("shift", width, 2 * n)] if q == 1 else [
        ("multiply", width, n), ("divide", width, n)]
    return Counts.of(operations, [("weights", n, master), ("gradients", n, gradient)],
                     [("weights", n, master)])


def rounded_update(n, gradient, master, update):
    """A shift with its carry, taken from the weight, which saturates by two comparisons; for a rate
    that is a power of two."""
    width = container(gradient)
    return Counts.of(
        [("shift", width, n), ("add", width, 2 * n), ("compare", width, 2 * n)],
        [("weights", n, master), ("gradients", n, gradient)],
        [("weights", n, master), ("gradients", n, update)])


def move(n, fmt, role, read=None):
    """A copy of n numbers, or of `read` numbers with zeros around: no operation."""
    return Counts.of(read=[(role, n if read is None else read, fmt)], written=[(role, n, fmt)])
