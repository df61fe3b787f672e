"""Schemes of tests: WAGE's slots, but with biases and batch norms, which cannot be trained."""

from intflow.formats import Fixed
from intflow.quantizers import Wage


class Affine(Wage):
    """Every batch norm is an affine map; activations are unsigned where they can be."""

    name = "affine"
    biases = True
    batch_norm = "affine"

    def activation_format(self, name, spec):
        """u8 behind a ReLU, s8 elsewhere, both up to about 1."""
        if spec is not None and spec.nonnegative:
            return Fixed(self.activation_bits, self.activation_bits, signed=False)
        return super().activation_format(name, spec)


class Folded(Affine):
    """Batch norms are folded where they can be."""

    name = "folded"
    batch_norm = "folded"
