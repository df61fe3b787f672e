"""A linear feedback shift register as the source of stochastic rounding's random bits."""

from dataclasses import asdict, dataclass

import numpy as np

from ..errors import FormatError, UnknownNameError
from .linear_map import power, repeated

FORMS = ("fibonacci", "galois")
AXES = "OIHW"
WIDEST_DRAW = 32
MOST_LANES = 4096


@dataclass(frozen=True)
class Lfsr:
    """A linear feedback shift register, shifting right, bit 0 first out.

    Parameters
    ----------
    width : int in 2..64; bits of the state, numbered 0 (leaves next) to width - 1.
    taps : exponents of the feedback polynomial, the constant 1 left out: (16, 14, 13, 11) is
        x**16 + x**14 + x**13 + x**11 + 1. The width must be among them.
    form : "fibonacci": the exclusive or of bits width - t of all taps t enters at the top;
        "galois": where the bit that leaves is 1, bits t - 1 of all taps t are inverted after the
        shift (the top one, just emptied, becomes 1).
    seed : int in 1..2**width - 1, the state before the first shift; or one for each lane. From one
        seed lane l starts l * ((2**width - 1) // lanes) shifts further along.
    bits : int in 1..min(width, 32); the draw is the low `bits` bits of the state.
    steps : int >= 1; shifts before each draw. With fewer than `bits` neighbours share bits.
    lanes : int; registers side by side that shift together.
    order : permutation of OIHW, the order in which a tensor's weights draw, last letter fastest;
        fully connected layers use its letters O and I. OIHW is the logical order, HWIO memory's.

    Order of consumption
    --------------------
    Before every draw all lanes shift `steps` times: a tick. Element i of a tensor of n weights
    takes lane i % lanes at the tensor's tick i // lanes; a tensor takes ceil(n / lanes) ticks,
    what the last one draws too much is lost. Tensors follow in the order of the layers, steps one
    another, with no draw between; a tensor without gradient takes its ticks as well. The
    trainer's seed does not enter.

    Exactness
    ---------
    An update g / D is rounded away from zero where draw < floor(fraction * 2**bits). Over a whole
    period of a maximal register each draw but 0 comes 2**(width - bits) times, 0 one less.

    Examples
    --------
    width 4, taps (4, 3), seed 1, fibonacci: bits 0 and 1 feed back, so 1, 8, 4, 2, 9, 12, 6, ...
    galois: bits 3 and 2 are inverted, so 1, 12, 6, 3, 13, 10, 5, ...
    """

    width: int
    taps: tuple
    form: str = "fibonacci"
    seed: object = 1
    bits: int = 8
    steps: int = 1
    lanes: int = 1
    order: str = AXES

    kind = "lfsr"

    def __post_init__(self):
        _expect_integer("width", self.width, 2, 64)
        object.__setattr__(self, "taps", _checked_taps(self.taps, self.width))
        if self.form not in FORMS:
            raise UnknownNameError("lfsr form", self.form, FORMS)
        _expect_integer("bits", self.bits, 1, min(self.width, WIDEST_DRAW))
        _expect_integer("steps", self.steps, 1, 1 << 20)
        _expect_integer("lanes", self.lanes, 1, MOST_LANES)
        object.__setattr__(self, "seed", _checked_seed(self.seed, self.width, self.lanes))
        object.__setattr__(self, "order", _checked_order(self.order))

    # the register ---------------------------------------------------------------------------

    def shift(self, state):
        """The state after one shift."""
        out = state & 1
        if self.form == "galois":
            return (state >> 1) ^ (sum(1 << t - 1 for t in self.taps) if out else 0)
        fed = sum(state >> self.width - t & 1 for t in self.taps) & 1
        return state >> 1 | fed << self.width - 1

    def state(self, shifts, lane=0):
        """The state of a lane after any number of shifts from its start.

        Examples
        --------
        width 4, taps (4, 3), seed 1, fibonacci: after 3 shifts 2, after 15 again 1.
        """
        if isinstance(self.seed, tuple):
            return repeated(self._columns(), self.seed[lane], shifts)
        apart = ((1 << self.width) - 1) // self.lanes
        return repeated(self._columns(), self.seed, lane * apart + shifts)

    def _columns(self):
        """One shift as a linear map."""
        return tuple(self.shift(1 << j) for j in range(self.width))

    # its draws ------------------------------------------------------------------------------

    def ticks(self, size):
        """Ticks that a tensor of `size` weights takes."""
        return -(-size // self.lanes)

    def first_tick(self, sizes, index, step):
        """Ticks before tensor `index` of a network of these sizes draws at `step`."""
        return step * sum(map(self.ticks, sizes)) + sum(map(self.ticks, sizes[:index]))

    def draws(self, kernels, parameter, step):
        """One draw for each weight of a parameter: u32 below 2**bits, in memory layout."""
        master = parameter.master
        sizes = [peer.master.codes.size for peer in parameter.peers or [parameter]]
        index = parameter.index if parameter.peers else 0
        shifts = self.first_tick(sizes, index, step) * self.steps
        states = np.array([self.state(shifts, lane) for lane in range(self.lanes)], np.uint64)
        out = np.empty(master.codes.size, np.uint32)
        tick = np.array(power(self._columns(), self.steps), np.uint64)
        kernels.shift_register(out, states, tick, self.bits)
        return in_memory(out, master, self.order)

    def to_dict(self):
        """What `random_source` reads back; plain integers, strings and lists."""
        values = {"kind": self.kind, **asdict(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def in_memory(row, tensor, order):
    """A row of elements in an order of the axes, laid out as the tensor is.

    Examples
    --------
    Row 0 1 2 3 4 5 in order OI for a tensor IO of shape (3, 2): [[0, 3], [1, 4], [2, 5]].
    """
    order = [axis for axis in order if axis in tensor.axes]
    shape = [tensor.shape[tensor.axes.index(axis)] for axis in order]
    laid = row.reshape(shape).transpose([order.index(axis) for axis in tensor.axes])
    return np.ascontiguousarray(laid)


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _expect_integer(name, value, lo, hi):
    if not _is_integer(value) or not lo <= value <= hi:
        raise FormatError(f"{name} of an lfsr is an integer in {lo}..{hi}, got {value!r}")


def _checked_taps(taps, width):
    rows = isinstance(taps, (list, tuple))
    good = rows and all(_is_integer(t) and 1 <= t <= width for t in taps)
    if not good or len(set(taps)) != len(taps) or width not in taps:
        raise FormatError(
            f"taps of an lfsr of width {width} are different exponents in 1..{width} with {width} "
            f"among them, got {taps!r}"
        )
    return tuple(sorted(taps, reverse=True))


def _checked_seed(seed, width, lanes):
    many = isinstance(seed, (list, tuple))
    seeds = tuple(seed) if many else (seed,)
    if many and len(seeds) != lanes:
        raise FormatError(f"an lfsr of {lanes} lanes takes 1 seed or {lanes}, got {len(seeds)}")
    if lanes > (1 << width) - 1 and not many:
        raise FormatError(
            f"an lfsr of width {width} has {(1 << width) - 1} states, too few to start {lanes} "
            "lanes from one seed; give a seed for each lane"
        )
    for one in seeds:
        if not _is_integer(one) or not 1 <= one < 1 << width:
            raise FormatError(
                f"a seed of an lfsr of width {width} lies in 1..2**{width}-1 (0 never leaves 0), "
                f"got {one!r}"
            )
    return seeds if many else seed


def _checked_order(order):
    if sorted(str(order).upper()) != sorted(AXES):
        raise FormatError(f"order of an lfsr is a permutation of {AXES}, got {order!r}")
    return str(order).upper()
