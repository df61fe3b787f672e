"""Where a run stands, between its epochs and inside one."""

import json
from dataclasses import asdict, dataclass, field

from ..errors import CheckpointError
from .counters import Counters


@dataclass
class Progress:
    """Where a run stands; all of it is stored in checkpoints.

    epoch : whole epochs done; batch : batches of the current one.
    images, wrong, loss : sums over those batches, loss in units of 2**-loss_bits.
    best : fewest wrong test images so far, -1 before the first evaluation.
    saturated : of the epoch's last batch, once that is done.
    counters : sums over those batches that were counted, as `Counters.to_dict`.
    """

    epoch: int = 0
    batch: int = 0
    images: int = 0
    wrong: int = 0
    loss: int = 0
    loss_bits: int = 0
    best: int = -1
    saturated: dict = field(default_factory=dict)
    counters: dict = field(default_factory=dict)

    def add(self, result):
        self.batch += 1
        self.images += result.images
        self.wrong += result.wrong
        self.loss += result.loss[0]
        self.loss_bits = result.loss[1]
        self.saturated = result.saturated or {}
        if result.counters is not None:
            counts = result.counters.to_dict()
            self.counters = Counters().add(self.counters).add(counts).to_dict()

    def mean_loss(self):
        """Loss per image, for reports."""
        return self.loss / (max(1, self.images) << self.loss_bits)

    def to_attributes(self):
        """What a checkpoint stores: {field: JSON text}."""
        # As text, since a sum of losses may need more than 64 bits.
        return {name: json.dumps(value) for name, value in asdict(self).items()}

    @classmethod
    def stored(cls, attributes):
        """The Progress that `to_attributes` gave; older checkpoints counted nothing.

        Raises
        ------
        CheckpointError : where it is missing or says what no run does.
        """
        names = [n for n in asdict(cls()) if n in attributes or n != "counters"]
        try:
            values = {name: json.loads(attributes[name]) for name in names}
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise CheckpointError(f"the checkpoint says not where its run stands ({error}); use the "
                                  "checkpoint.h5 of a run")
        for name, value in values.items():
            least = -1 if name == "best" else 0
            right = type(value) is type(getattr(cls(), name))
            if not right or (type(value) is int and value < least):
                raise CheckpointError(f"the checkpoint says {name} is {str(value)[:40]}, which no "
                                      "run writes; use another one")
        return cls(**values)
