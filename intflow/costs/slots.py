"""What the slots W, A, G and E of every scheme cost; and the same network in floats.

`SLOTS` has a line for every scheme. Layers (layers.py) ask these objects and know no scheme.
"""

from .. import ops
from ..errors import UsageError
from ..formats import Binary, Fixed, PowerOfTwo
from . import kernels
from .counts import Counts
from .widths import BF16, FP32

WIDEST_OPERAND = ops.WIDEST_OPERAND


class Integers:
    """A scheme whose weights are stored as the codes of the products: inference alone.

    Formats are those of the engine. An error's step follows the data, so errors carry frac_bits 0
    and errors that meet are taken to have one step: their sum is one bit wider than they are.
    Steps that lie far apart make the engine store such a sum in 64 bits instead of 32.

    by_maximum : whether [E] narrows by the largest error, which workers then have to agree upon.
    """

    by_maximum = False
    mask = kernels.MASK

    def __init__(self, scheme):
        self.scheme = scheme

    def format(self, fmt):
        """The format of a tensor that the engine stores in `fmt`."""
        return fmt

    def product(self, a, b, terms):
        """Format of sums of products."""
        return ops.accumulator(a, b, terms)

    def encode(self, n):
        """Pixels become codes: centred where the scheme reads published networks."""
        kernel = kernels.centre_images if self.scheme.converts else kernels.encode_images
        return kernel(n, self.scheme.input_format())

    def weight(self, n, master, codes):
        """[W]"""
        return Counts()

    def activation(self, n, wide, narrow):
        """[A]"""
        return kernels.requantize_masked(n, wide, narrow)

    def align(self, n, wide, narrow):
        """Codes brought to a finer step."""
        return kernels.requantize(n, wide, narrow, "activations")


class Wage(Integers):
    """WAGE: stored weights are narrowed to W, errors by their maximum to E, gradients update."""

    by_maximum = True

    def weight(self, n, master, codes):
        return kernels.requantize(n, master, codes, "weights")

    def error(self, n, e):
        """[E]: (counts, format)."""
        narrow = self.scheme.error_format()
        return (kernels.max_abs(n, e, "errors") + kernels.requantize(n, e, narrow, "errors"),
                Fixed(narrow.bits, 0, symmetric=True))

    def activation_error(self, n, e):
        """An error on its way back through slot A: (counts, format)."""
        return self.error(n, e)

    def operand(self, n, e):
        """An error on its way into a product: (counts, format)."""
        return self.error(n, e) if e.bits > WIDEST_OPERAND else (Counts(), e)

    def slope(self, n, e, fmt):
        """The slope of an activation's grid, of the format fmt: (counts, format of the error). A
        multiplication where its step is no power of two."""
        if fmt.factor == 1:
            return Counts(), e
        total = self.product(e, Fixed(fmt.bits + 1, 0), 1)
        return kernels.multiply(n, total, [("errors", n, e)], [("errors", n, total)]), total

    def gradient(self, x, e, terms):
        """Format of a gradient."""
        return self.product(x, e, terms)

    def sum(self, a, b):
        """Format of the sum of two errors."""
        return ops.sum_format(a, b)

    def pooled(self, e, window):
        """Format of errors that overlapping windows have added up."""
        overlap = _overlap(window)
        bits = (overlap * e.maximum).bit_length() + 1
        return Fixed(bits, 0, symmetric=True) if bits <= WIDEST_OPERAND else _wide(bits)

    def averaged(self, e, window):
        """Format of the shares of errors that averages have handed down."""
        size = window.kernel_size[0] * window.kernel_size[1]
        lshift = (size - 1).bit_length() + ops.pooling.AVERAGE_GUARD_BITS
        bound = _overlap(window) * ((e.maximum << lshift) // size + 1)
        return _wide(bound.bit_length() + 1)

    def update(self, n, gradient, master, rate):
        """[G]"""
        p, q, _ = self.scheme.check_rate(rate)
        return (kernels.max_abs(n, gradient, "gradients")
                + kernels.stochastic_update(n, gradient, master, p, q))


class Wrpn(Wage):
    """WRPN: grids instead of powers of two, and an update with a velocity."""

    def weight(self, n, master, codes):
        """[W]"""
        if codes.bits == 1:
            return Counts.of([("compare", kernels.container(master), n)], [("weights", n, master)],
                             [("weights", n, codes)])
        return kernels.requantize_levels(n, master, codes, "weights")

    def activation(self, n, wide, narrow):
        """[A]"""
        return kernels.requantize_levels(n, wide, narrow, "activations") + Counts.of(
            [("compare", kernels.container(wide), 2 * n)], written=[("masks", n, kernels.MASK)])

    def update(self, n, gradient, master, rate):
        """[G], and the velocity."""
        narrow, velocity = self.scheme.bits.gradient, Fixed(32, 0)
        counts = Counts()
        if narrow < gradient.bits:
            fmt = Fixed(narrow, 0, symmetric=True)
            counts = kernels.max_abs(n, gradient, "gradients") + kernels.requantize(
                n, gradient, fmt, "gradients") + Counts.of([("random", "32", n)])
            gradient = fmt
        p, q, _ = self.scheme.check_rate(rate)
        return counts + kernels.momentum_update(n, gradient, master, velocity, p, q)


class Qnn(Wage):
    """QNN: signs or narrow codes with masks of bits; errors are narrowed where products begin."""

    mask = Binary()

    def weight(self, n, master, codes):
        """[W]"""
        if isinstance(codes, Binary):
            return kernels.binarize(n, master, "weights")
        return self._narrow(n, master, codes, "weights")

    def activation(self, n, wide, narrow):
        """[A]"""
        if wide == narrow:
            return Counts()
        sign = kernels.binarize(n, wide, "activations", self.mask)
        return sign if isinstance(narrow, Binary) else sign + self._narrow(
            n, wide, narrow, "activations")

    def _narrow(self, n, wide, narrow, role):
        power = isinstance(narrow, PowerOfTwo)
        return (kernels.requantize_to_power if power else kernels.requantize)(n, wide, narrow, role)

    def activation_error(self, n, e):
        """Between layers nothing is narrowed, as long as 32 bits hold it."""
        return (Counts(), e) if e.bits <= 32 else self._by_maximum(n, e, Fixed(32, 0, symmetric=True))

    def operand(self, n, e):
        """[E]"""
        return self.error(n, e) if e.bits > self.scheme.error_bits else (Counts(), e)

    def sum(self, a, b):
        """Format of the sum of two errors, which long chains shorten."""
        return ops.sum_format(*(Fixed(min(e.bits, 62), 0, symmetric=True) for e in (a, b)))

    def pooled(self, e, window):
        """As WAGE's, of an error of at most 32 bits."""
        return super().pooled(Fixed(min(e.bits, 32), 0, symmetric=True), window)

    def averaged(self, e, window):
        """As WAGE's, of an error of at most 32 bits."""
        return super().averaged(Fixed(min(e.bits, 32), 0, symmetric=True), window)

    def update(self, n, gradient, master, rate):
        """[G], and a step of AdaMax."""
        counts = kernels.max_abs(n, gradient, "gradients")
        if self.scheme.bits.gradient != 32:
            narrow = Fixed(self.scheme.bits.gradient, 0, symmetric=True)
            more, gradient = self._by_maximum(n, gradient, narrow, "gradients")
            counts += more
        return counts + kernels.adamax_update(n, gradient, master, Fixed(32, 0))

    def _by_maximum(self, n, x, narrow, role="errors"):
        return kernels.max_abs(n, x, role) + kernels.requantize(n, x, narrow, role), narrow


class QnnRecurrent(Qnn):
    """QNN of recurrent nets: a step of gradient descent, shortened by the norm of all gradients."""

    def update(self, n, gradient, master, rate):
        """[G], the squares of the gradient and the update."""
        counts = kernels.max_abs(n, gradient, "gradients")
        if self.scheme.bits.gradient != 32:
            narrow = Fixed(self.scheme.bits.gradient, 0, symmetric=True)
            more, gradient = self._by_maximum(n, gradient, narrow, "gradients")
            counts += more
        counts += kernels.sum_squares(n, gradient, "gradients")
        return counts + kernels.rounded_update(n, gradient, master, Fixed(32, 0))


class Faq(Wrpn):
    """FAQ: powers of two as in WAGE, every error rounded by a random number, a velocity."""

    activation = Wage.activation

    def weight(self, n, master, codes):
        """[W]; nothing in a network that does not train, which stores the codes."""
        return Counts() if master == codes else Wage.weight(self, n, master, codes)

    def error(self, n, e):
        """[E]"""
        counts, narrow = super().error(n, e)
        return counts + Counts.of([("random", "32", n)]), narrow

    def update(self, n, gradient, master, rate):
        """[G], the velocity, and the decay of the weight in it: a product rounded for itself."""
        decay = Counts.of([("random", "32", n), ("multiply", "64", n), ("shift", "64", n),
                           ("add", "64", 2 * n)])
        return super().update(n, gradient, master, rate) + decay


def _overlap(window):
    """Windows that one pixel lies in, at most."""
    kernel, stride = window.kernel_size, window.stride
    return -(-kernel[0] // stride[0]) * -(-kernel[1] // stride[1])


def _wide(bits):
    return ops.wide(bits, 0)


class Floats:
    """The same layers in floats, for comparison: nothing is requantized.

    Products are added in fp32, weights and gradients kept in fp32. With bf16 the operands of
    products and all activations and errors are stored in bf16; weights are converted once a step.
    """

    by_maximum = False

    def __init__(self, fmt):
        self.fmt = fmt

    def format(self, fmt):
        return self.fmt

    def product(self, a, b, terms):
        return self.fmt

    def encode(self, n):
        """A multiply-accumulate for every pixel: less the mean, divided by the deviation."""
        return Counts.of([("mac", _mac(self.fmt), n)], [("activations", n, kernels.BYTE)],
                         [("activations", n, self.fmt)])

    def weight(self, n, master, codes):
        if self.fmt == FP32:
            return Counts()
        return Counts.of(read=[("weights", n, FP32)], written=[("weights", n, self.fmt)])

    def activation(self, n, wide, narrow):
        return Counts()

    align = activation

    def error(self, n, e):
        return Counts(), e

    operand = error

    def gradient(self, x, e, terms):
        return FP32

    def sum(self, a, b):
        return self.fmt

    def pooled(self, e, window):
        return self.fmt

    averaged = pooled

    def update(self, n, gradient, master, rate):
        """w - rate * g: a multiply-accumulate."""
        return Counts.of([("mac", _mac(FP32), n)], [("weights", n, FP32), ("gradients", n, FP32)],
                         [("weights", n, FP32)])


def _mac(fmt):
    return f"{fmt.name}x{fmt.name}+fp32"


SLOTS = {"wage": Wage, "qnn": Qnn, "wrpn": Wrpn, "faq": Faq, "float-weight": Integers}
FLOATS = {"fp32": FP32, "bf16": BF16}


def slots_of(scheme):
    """What the slots of a scheme cost.

    Raises
    ------
    UsageError : nobody has said so yet.
    """
    if scheme.name not in SLOTS:
        known = ", ".join(SLOTS)
        raise UsageError(f"the costs of {scheme.name} are not known; count one of {known}")
    return QnnRecurrent(scheme) if scheme.is_recurrent else SLOTS[scheme.name](scheme)
