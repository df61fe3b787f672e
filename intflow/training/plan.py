"""How much memory a step takes, before there is one.

A step of zeros runs in a `planning` block (kernels/buffers.py): layers, ops and products ask for the
very arrays of a real step and let go of them, while nothing is computed. So a plan holds to the byte
for steps that nobody watches; recorders, counters and devices look between the layers and need more.
"""

import numpy as np

from ..data.batches import AHEAD
from ..errors import UsageError
from ..kernels import load
from ..kernels.buffers import planning
from ..losses import LOSSES
from ..ops import Products
from ..optimizers import OPTIMIZERS
from .encoder import Encoder, Tokens
from .evaluate import BATCH
from .step import evaluation_step, training_step

STEPS = 4               # later ones begin with other holes than the first; then all are alike
BATCHES = AHEAD + 2     # those that wait, the one being made, the one in use


def plan_memory(network, loss, backend="auto", threads=None):
    """The memory of a training step and of an evaluation, in bytes.

    Parameters
    ----------
    network : Network that was built without kernels; used up.
    loss : name of `losses.LOSSES`; the model's, where its scheme does not name another.
    backend, threads : as `kernels.load` takes them; workspaces depend on them.

    Returns
    -------
    {"training": plan, "evaluation": plan}; training is missing where the scheme trains nothing.
    plan : {"arena", "master", "state", "data", "total", "kinds"}. arena: every array of the step;
        kinds: {kind: bytes} of what lay in it when it was largest, "free" among them: gaps between
        arrays. master, state: stored weights and what the optimiser keeps. data: images of the
        batches that wait for their step; of a text tokens, and the tokens after them.
    """
    scheme, plans, carried = network.scheme, {}, {}
    loss, optimizer = LOSSES[scheme.loss_for(loss)](), OPTIMIZERS[scheme.optimizer]()
    if _trains(network):
        plans["training"] = _plan(network, network.batch_size, backend, threads,
                                  lambda *batch: _train(network, loss, optimizer, *batch))
    plans["evaluation"] = _plan(network, BATCH, backend, threads,
                                lambda *batch: _evaluate(network, loss, carried, *batch))
    return plans


def _trains(network):
    try:
        network.require_trainable()
    except UsageError:
        return False
    return True


def _plan(network, images, backend, threads, step):
    for parameter in network.parameters:
        parameter.gradient = parameter.update = None
    batch, data = _batch(network, images)
    with planning() as pool:
        network.kernels = load(backend, threads)        # new ones: they keep their workspaces
        network.products = Products(network.kernels)
        for _ in range(STEPS):
            step(*batch)
        kinds = {kind: size for kind, size in pool.at_extent.items() if size}
        kinds["free"] = pool.extent - sum(kinds.values())
        state = sum(a.nbytes for p in network.parameters for a in p.state.values())
        network.kernels = network.products = None
    master = sum(p.master.codes.nbytes for p in network.parameters)
    data *= BATCHES
    return dict(arena=pool.extent, master=master, state=state, data=data,
                total=pool.extent + master + state + data, kinds=kinds)


def _batch(network, images):
    """((images, labels) as a step takes them, their bytes while they wait)."""
    if network.reads_text:
        tokens = np.zeros((images, *network.input_shape), np.int32)
        labels = np.zeros(tokens.size, np.int64)
        return (tokens, labels), tokens.nbytes + labels.nbytes
    pixels = np.zeros((images, *network.input_shape), np.uint8)
    return (pixels, np.zeros(images, np.int64)), pixels.nbytes


def _train(network, loss, optimizer, images, labels):
    encoder, rate = _encoder(network), network.scheme.default_rate()
    run = network.run(streams=len(images))
    training_step(network, encoder, loss, optimizer, images, labels, rate, run)


def _evaluate(network, loss, carried, images, labels):
    run = network.run(keep=False, streams=len(images), carried=carried)
    evaluation_step(network, _encoder(network), loss, images, labels, run)


def _encoder(network):
    """The encoding of images does not matter: every one makes codes of the same format."""
    return Tokens() if network.reads_text else Encoder("symmetric", network.scheme.input_format())
