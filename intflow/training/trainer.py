"""The engine as a library: one object, stepped one batch at a time."""

from fractions import Fraction

import numpy as np

from ..device.device import Device
from ..device.embedding import replace_product
from ..device.products import DeviceProducts
from ..errors import CheckpointError, RangeError, ShapeError, UnknownNameError, UsageError
from ..formats import format_name
from ..group import ALONE, Idle
from ..kernels import load
from ..layers import is_recurrent
from ..losses import LOSSES
from ..models import find_model, make_layers
from ..optimizers import OPTIMIZERS
from ..quantizers import make_scheme
from .checkpoint import read_checkpoint, write_checkpoint
from .digest import state_digest
from .encoder import TEXT, make_encoder
from .formats import write_formats
from .network import Network
from .recorder import Recorder
from .step import evaluation_step, training_step
from .text import checked_streams, checked_tokens


class Trainer:
    """A network under a scheme, ready to be stepped.

    Parameters
    ----------
    model : str or Sequential; a name of `models.MODELS`, or layers of your own.
    bits : "2888", "W2A8G8E8" or Bits; the scheme's paper's where it is left out.
    scheme : name of `quantizers.SCHEMES`, or a Scheme (`bits` then plays no part).
    input_shape : (C, H, W), or (T,) for windows of T tokens; needed for layers of your own, else
        the model's.
    classes : int; outputs of a named model.
    width : channels of a named model times this.
    loss : name of `losses.LOSSES`; the model's, or "sse".
    encoding : "symmetric" (0..255 to -1..1) or "unit" (0..255 to 0..1).
    lr : "8", "1/8", Fraction; the scheme's default.
    seed : int in [0, 2**64); everything random is a function of it.
    batch_size : largest batch that will come; the accumulators are proven for it.
    threads, backend : as `kernels.load`; or `kernels`, what it gave.
    options : {name: value} of the scheme's options, or "name=value,..."; with a scheme's name.
    momentum, weight_decay : Fraction, for an optimiser that has one; None for the scheme's.
    device : a Device, or what `Device.read` takes (a preset, a TOML file); the chip that computes.
        None is exact. An accumulator may then be too narrow: that is what is simulated.
    group : the workers that share every batch, see `parallel.find_group`; their number shows in
        no bit.

    Raises
    ------
    IntflowError : one line, for names, bits, shapes and backends that do not fit.
    """

    is_compact = False

    def __init__(self, model, bits=None, scheme="wage", *, input_shape=None, classes=10, width=1,
                 loss=None, encoding="symmetric", lr=None, seed=1, batch_size=128, threads=None,
                 backend="auto", kernels=None, device=None, options=None, momentum=None,
                 weight_decay=None, group=ALONE):
        entry = find_model(model) if isinstance(model, str) else None
        if entry is None and input_shape is None:
            raise ShapeError("layers of your own need input_shape=(C, H, W)")
        if not 0 <= seed < 1 << 64:
            raise RangeError(f"a seed lies in 0..2**64-1, got {seed}")
        if batch_size < 1:
            raise RangeError(f"batch_size starts at 1, got {batch_size}")
        layers = make_layers(model, classes, width) if entry else model
        self.device = None if device is None else Device.read(device)
        if isinstance(scheme, str):
            scheme = scheme_on(self.device, scheme, bits, options, is_recurrent(layers))
        self.scheme = scheme
        self.group = group
        self.kernels = kernels or load(backend, threads or group.threads)
        published = self.scheme.loss_for(entry.loss) if entry else self.scheme.loss
        self.loss = _find(LOSSES, "loss", loss or published)()
        self.optimizer = _optimizer(
            self.scheme, momentum=momentum, weight_decay=weight_decay)
        shape = input_shape or entry.input_shape
        self.encoder = make_encoder(TEXT if len(shape) == 1 else encoding,
                                    self.scheme.input_format(), self.scheme.exact_pixels)
        self.network = Network(layers, shape, self.scheme, self.kernels, seed, batch_size)
        if self.network.reads_text and group.size > 1:
            raise UsageError(f"a text is trained by one worker, got {group.size}; start it without "
                             "mpiexec, or with --workers none")
        if self.device is not None:
            self.network.products = DeviceProducts(self.device, self.kernels, group.size)
        default = self.scheme.recipe(entry)["lr"] if entry else self.scheme.default_rate()
        self.rate = Fraction(default if lr is None else lr)
        self.steps = 0

    def step(self, images, labels, record=False, measure=False, counters=None, whole=None):
        """Train on one batch.

        Parameters
        ----------
        images : (N, C, H, W) u8; labels : (N,) integers below the number of classes. Of a text:
            tokens (B, T) and the tokens after them (B, T), from streams that go on where the window
            before ended (`network.forget()` begins anew).
        record : keep every integer tensor of the step.
        measure : count saturated activations.
        counters : Counters; overflows, largest sums, zeros and lost updates are added to it.
        whole : where workers share the batch: its images, if `images` are this worker's share
            alone (`group.share(whole)`). Without it they are the batch, and the worker takes its
            share of them.

        Returns
        -------
        StepResult of the whole batch; with record=True its `recorder` holds the tensors (see
        `Recorder`), those of this worker's images.

        Raises
        ------
        OverflowStop : where the counters were told to stop; no weight has changed then.
        """
        self._require_stored_weights()
        self.network.require_trainable()
        images, labels = self._checked(images, labels)
        if self.network.reads_text:
            checked_streams(self.network, images)
        share = self.group.share(whole or len(images))
        if share.whole > self.network.batch_size:
            raise ShapeError(
                f"the accumulators are proven for batches of {self.network.batch_size}, got "
                f"{share.whole}; build the Trainer with batch_size={share.whole}"
            )
        if not self.network.reads_text:             # whose streams are all one worker's
            images, labels = _shared(images, labels, share, whole)
        recorder = Recorder() if record else None
        group = self.group if share.counts else Idle(self.group)
        run = self.network.run(self.steps, recorder, measure, counters, share.first, group=group,
                               whole=share.whole, streams=len(images))
        result = training_step(self.network, self.encoder, self.loss, self.optimizer, images, labels,
                               self.rate, run)
        self.steps += 1
        return result

    def replace_product(self, layer, product, function, compare=True, on_difference="raise"):
        """Let a simulator compute one product of one layer; see `device.embedding`."""
        return replace_product(self.network, layer, product, function, compare, on_difference)

    def evaluate(self, images, labels, first=0, carried=None):
        """(outputs (N, classes), StepResult) of one batch; changes nothing.

        first : images evaluated before these: where activations or weights are rounded
            stochastically, image i of all draws the same in batches of any size.
        carried : dict of a text; what a window leaves to the next is put into it. Empty at first.
        """
        images, labels = self._checked(images, labels)
        y, result = evaluation_step(self.network, self.encoder, self.loss, images, labels,
                                    self.network.run(
                                        self.steps, first=first, keep=False, streams=len(images),
                                        carried={} if carried is None else carried))
        return y.codes, result

    def compact(self):
        """Keep what inference reads and nothing else, such as one bit a weight under QNN.

        From here on there is no step, digest or save, which need the stored weights.
        """
        self.network.compact()
        self.is_compact = True

    def _require_stored_weights(self):
        if self.is_compact:
            raise UsageError("a compact Trainer keeps no stored weights; load its checkpoint again")

    def digest(self):
        """SHA-256 of the integer state; equal digests are equal runs."""
        self._require_stored_weights()
        return state_digest(self.network.parameters, self.steps, self.scheme.formats)

    def save(self, path, **attributes):
        """Write the whole integer state to a checkpoint, atomically; see `checkpoint`.

        Where workers share batches all are in the same state, and worker 0 writes.
        """
        if self.group.rank:
            return
        attributes = {**attributes, "steps": self.steps, "digest": self.digest()}
        if self.scheme.formats:
            attributes["formats"] = write_formats(self.scheme.formats)
        write_checkpoint(path, attributes, self.network.parameters)

    def load(self, path):
        """Go on from a checkpoint of the same network; returns its attributes.

        Raises
        ------
        CheckpointError : missing, torn, altered, or of another network.
        """
        attributes, weights, state = read_checkpoint(path)
        self.restore(weights, state, int(attributes["steps"]), str(path))
        if self.digest() != attributes["digest"]:
            raise CheckpointError(f"{path}: its weights do not give its digest; use another one")
        return attributes

    def restore(self, weights, state, steps, where):
        """Put stored weights back.

        weights, state : as `checkpoint.read_checkpoint` gives them.
        where : str; named in the error.

        Raises
        ------
        CheckpointError : when names, shapes, formats or codes do not fit this network.
        """
        expected = {p.name: p for p in self.network.parameters}
        if set(expected) != set(weights):
            raise CheckpointError(
                f"{where} holds {sorted(weights)}, this network needs {sorted(expected)}; use the "
                "model it was made with"
            )
        for name, parameter in expected.items():
            codes, fmt = weights[name]
            parameter.master.codes[...] = _fitting(codes, fmt, parameter, where)
            parameter.state = dict(state.get(name, {}))
        self.steps = steps

    def _checked(self, images, labels):
        images, labels = np.asarray(images), np.asarray(labels)
        if self.network.reads_text:
            return checked_tokens(self.network, images, labels)
        shape, classes = self.network.input_shape, self.network.classes
        if images.dtype != np.uint8 or images.shape[1:] != shape or images.ndim != 4:
            raise ShapeError(
                f"a step takes u8 images (N, {', '.join(map(str, shape))}), got {images.dtype} "
                f"{images.shape}"
            )
        if labels.dtype.kind not in "iu" or labels.shape != (len(images),) or not len(images):
            raise ShapeError(
                f"a step takes one integer label per image, got {len(images)} images and labels "
                f"{labels.dtype} {labels.shape}"
            )
        if labels.min() < 0 or labels.max() >= classes:
            raise RangeError(
                f"labels lie in 0..{classes - 1}, got {labels.min()}..{labels.max()}; use a model "
                "with more classes"
            )
        return np.ascontiguousarray(images), labels.astype(np.int64)


def _shared(images, labels, share, whole):
    """A worker's images and labels, where they are not its share already."""
    if whole is None:
        part = slice(share.first, share.first + share.count)
        return images[part], labels[part]
    if len(images) != share.count:
        raise ShapeError(
            f"worker's share of a batch of {whole} is {share.count} images, got {len(images)}; "
            "give it those that group.share names, or the whole batch without `whole`"
        )
    return images, labels


def _fitting(codes, fmt, parameter, where):
    master = parameter.master
    logical = master.logical().shape
    same_kind = codes.dtype.kind == master.codes.dtype.kind
    if codes.shape != logical or fmt != format_name(master.format) or not same_kind:
        raise CheckpointError(
            f"{where}: {parameter.name} is {fmt} {codes.shape}, this network needs "
            f"{format_name(master.format)} {logical}; use the model and bits it was made with"
        )
    if codes.size and not (master.format.contains(codes.min()) and master.format.contains(codes.max())):
        raise CheckpointError(f"{where}: {parameter.name} has codes outside {fmt}; use another file")
    order = [master.logical_axes.index(axis) for axis in master.axes]
    return codes.transpose(order)


def scheme_on(device, name, bits, options=None, recurrent=False):
    """The scheme `name` with what a device changes in it: the roundings and the random source.

    device : Device or None. options, recurrent : as of `make_scheme`.
    """
    changes = (None, None) if device is None else (device.rounding, device.random)
    return make_scheme(name, bits, *changes, options, recurrent)


def _optimizer(scheme, **settings):
    """The scheme's optimiser, with the settings that are given."""
    optimizer = OPTIMIZERS[scheme.optimizer]
    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if name not in optimizer.settings:
            raise UsageError(f"the {scheme.name} scheme trains without {name.replace('_', ' ')}; "
                             f"leave --{name.replace('_', '-')} out")
    return optimizer(**given)


def _find(table, kind, name):
    if name not in table:
        raise UnknownNameError(kind, name, table)
    return table[name]


