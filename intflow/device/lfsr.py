"""A linear feedback shift register as the source of stochastic rounding's random bits."""

from dataclasses import asdict, dataclass

import numpy as np

from ..errors import UnknownNameError
from ..ops.draws import first_element, in_memory
from .lfsr_settings import (
    AXES, WIDEST_DRAW, checked_order, checked_seed, checked_taps, expect_integer,
)
from .linear_map import power, repeated

FORMS = ("fibonacci", "galois")
SLOTS = ("update", "weight", "activation", "error")
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

    Every slot has a register of its own, all alike: slot k of update (G), weight (W), activation
    (A), error (E) starts k quarters of a lane's part of the period further along, that is
    k * ((2**width - 1) // lanes // 4) shifts. W draws for its tensors as the update does. A draws
    for each requantize layer, layers in forward order, elements in the order NCHW; E likewise, the
    loss first, then the layers in backward order (a weighted layer too, where it narrows a wide
    error before its products). A step takes the ticks of batches of the trainer's batch_size: what
    a smaller batch leaves is passed over, and the larger batch of an evaluation runs on into the
    ticks behind its share. A tensor that loses no bit draws nothing, and its ticks pass too.

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
        expect_integer("width", self.width, 2, 64)
        object.__setattr__(self, "taps", checked_taps(self.taps, self.width))
        if self.form not in FORMS:
            raise UnknownNameError("lfsr form", self.form, FORMS)
        expect_integer("bits", self.bits, 1, min(self.width, WIDEST_DRAW))
        expect_integer("steps", self.steps, 1, 1 << 20)
        expect_integer("lanes", self.lanes, 1, MOST_LANES)
        object.__setattr__(self, "seed", checked_seed(self.seed, self.width, self.lanes))
        object.__setattr__(self, "order", checked_order(self.order))

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
        row = self._row(kernels, "update", self.first_tick(sizes, index, step), master.codes.size)
        return in_memory(row, master, self.order)

    def draws_at(self, kernels, x, address):
        """One draw for each element of a tensor that slot W, A or E narrows, in memory layout.

        address : random_streams.Address.
        """
        tick, first = self.first_tick_at(address), first_element(x, address)
        ahead = first % self.lanes              # draws of the first tick for the images before
        row = self._row(kernels, address.purpose, tick + first // self.lanes, ahead + x.codes.size)
        order = self.order if address.purpose == "weight" else x.logical_axes
        return in_memory(row[ahead:], x, order)

    def first_tick_at(self, address):
        """Ticks of its slot's register before a whole tensor draws."""
        tensors, sizes = zip(*address.turns(address.purpose))
        return self.first_tick(sizes, tensors.index(address.tensor), address.step)

    def first_shift(self, purpose):
        """Shifts between the seed and the start of a slot's register."""
        return SLOTS.index(purpose) * (((1 << self.width) - 1) // self.lanes // len(SLOTS))

    def _row(self, kernels, purpose, tick, count):
        """`count` draws from a tick of a slot's register on."""
        shifts = self.first_shift(purpose) + tick * self.steps
        states = np.array([self.state(shifts, lane) for lane in range(self.lanes)], np.uint64)
        out = np.empty(count, np.uint32)
        columns = np.array(power(self._columns(), self.steps), np.uint64)
        kernels.shift_register(out, states, columns, self.bits)
        return out

    def to_dict(self):
        """What `random_source` reads back; plain integers, strings and lists."""
        values = {"kind": self.kind, **asdict(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
