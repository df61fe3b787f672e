"""The random stream: every random number of the engine is a function of where it is used.

    key      (seed & 0xffffffff, seed >> 32)                    seed: u64
    counter  (block, tensor, step, purpose)                     each u32
    words    Philox4x32-10(counter, key) -> 4 words u32         published constants and vectors

Element i of a stream (seed, purpose, step, tensor) is word (i >> 8) & 3 of block
((i >> 10) << 8) | (i & 255): a group of 1024 elements takes 256 consecutive blocks, first all
their words 0, then all their words 1, 2, 3. So a vector loop over blocks writes four runs of 256
neighbours, and any element is found without the ones before it. A stream has 2**34 elements.

Nothing else goes in: no thread, tile, machine or hidden state. `step` is the training step (the
epoch, for what is drawn once an epoch), `tensor` the index of the parameter, 0 where there is
none. The numbers of PURPOSES are part of every digest: append, never renumber.

What the slots A, E and W of a scheme draw has an `Address`. There `tensor` is the layer's number:
layers count from 1 in forward order, combinators too, `sequential` not, so that it is the `index` in
a trace plus 1; the loss has number 0. The element is the flat index in the order NCHW for A and E,
in memory's (HWIO or IO) for W, as for the update. An evaluation draws what the next training step
would; its images count on from batch to batch.
"""

from typing import NamedTuple

from .errors import UnknownNameError
from .group import ALONE

PURPOSES = {
    "init": 1,          # initial weights
    "shuffle": 2,       # order of the images of an epoch
    "augment": 3,       # crop and flip of each image
    "update": 4,        # stochastic rounding of the weight update
    "dropout": 5,
    "binarize": 6,      # stochastic sign
    "activation": 7,    # stochastic rounding of slot A,
    "error": 8,         # of slot E,
    "weight": 9,        # of slot W
    "momentum": 10,     # stochastic rounding of an optimiser's averages
    "gradient": 11,     # of slot G, where an optimiser with averages follows it
}


class Address(NamedTuple):
    """Where a tensor stands in a run: what its random numbers are a function of.

    seed : int in [0, 2**64).
    purpose : name in PURPOSES.
    step : int; the training step.
    tensor : int; number of the layer, 0 for the loss.
    first : int; the images of the batch that come before this part of it.
    source : who draws: None or device.random.Philox() for the stream above, or a source with
        `draws_at(kernels, x, address)` and `bits`.
    turns : function(purpose) -> [(tensor, elements in a full batch)] of all tensors that draw for
        the purpose in a step, in order; for sources that are one long sequence.
    group : who holds the other images of the batch, where a slot takes a maximum over all of them.
    """

    seed: int
    purpose: str
    step: int
    tensor: int
    first: int = 0
    source: object = None
    turns: object = None
    group: object = ALONE


def purpose_number(purpose):
    """Return the number of a purpose given by its name (or already as its number).

    Examples
    --------
    "update": 4.
    """
    if isinstance(purpose, str):
        if purpose not in PURPOSES:
            raise UnknownNameError("random purpose", purpose, PURPOSES)
        return PURPOSES[purpose]
    return int(purpose)
