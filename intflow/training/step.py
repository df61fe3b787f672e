"""One training step, from bytes to weights: the map of the engine.

    u8 images --encode--> a narrow
    a --Conv2d--> wide --MaxPool2d, ReLU--> wide --Requantize [A]--> narrow      block by block
    outputs, labels --loss--> e wide --[E]--> narrow
    e --ReLU, MaxPool2d--> --Conv2d--> gradient wide, and error wide --Requantize [E]--> narrow
    gradient --optimiser [G]--> update;  weight <- clip(weight - update), read through [W]
"""

from dataclasses import dataclass

from ..errors import UsageError


@dataclass(frozen=True)
class StepResult:
    """What a step reports, in integers.

    images, wrong : counts; of a text, of the tokens to be told.
    loss : (total, frac_bits); the batch's summed loss is total * 2**-frac_bits.
    recorder : Recorder or None; every tensor of the step.
    saturated : {layer: share of activations outside the range} or None.
    counters : Counters or None; those that were given to the step, with this step in them.
    """

    images: int
    wrong: int
    loss: tuple
    recorder: object = None
    saturated: dict = None
    counters: object = None

    def mean_loss(self):
        """Loss per image, for reports."""
        total, frac_bits = self.loss
        return total / (self.images << frac_bits)

    def tensor(self, name):
        """A recorded tensor by name, such as "conv2d_1/gradient"; see `Recorder.tensor`."""
        if self.recorder is None:
            raise UsageError("nothing was recorded; call step(images, labels, record=True)")
        return self.recorder.tensor(name)


def training_step(network, encoding, loss, optimizer, images, labels, rate, run):
    """Forward, loss, backward, update. images u8 (N, C, H, W), labels (N,); of a text images are
    tokens (B, T), labels (T * B,) in the order of time.

    Where workers share a batch (`run.group`) these are one's images; the result is of all.
    """
    a = encoding.encode(run.kernels, images)
    y, saved = network.layers.forward(a, run)
    e, total, wrong = loss(run.kernels, y, labels)
    run.record_step(images=images, labels=labels, error=e)
    e = network.scheme.error(run.kernels, e, run.address("error"))                    # [E]
    network.layers.backward(e, saved, run)
    run.group.finish_sums()
    network.keep_updates(bool(run.watchers))
    whole = run.whole or len(images)
    optimizer.step(
        run.kernels, network.scheme, network.parameters, rate, network.seed, run.step, whole)
    run.finish()
    run.record_updates(network)
    counters = run.counting and run.counting.counters
    wrong, summed = run.group.totals([wrong, total[0]])
    told = labels.size if network.reads_text else whole
    return StepResult(told, wrong, (summed, total[1]), run.recorder, run.saturated, counters)


def evaluation_step(network, encoding, loss, images, labels, run):
    """Forward and loss alone; returns the outputs as well."""
    y, _ = network.layers.forward(encoding.encode(run.kernels, images), run)
    _, total, wrong = loss(run.kernels, y, labels)
    return y, StepResult(labels.size, wrong, total)
