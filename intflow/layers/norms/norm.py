"""What every normalisation is: the arithmetic of a BatchNorm2d."""


class Norm:
    """Computes for one layer, which holds the parameters.

    is_scale_free : whether a constant factor of x changes nothing in y, as with statistics of the
        batch; the layer in front need then not bring its sums to their true size.

    Parameters
    ----------
    layer : BatchNorm2d; its `channels`, `epsilon` and name are set.
    """

    is_scale_free = False

    def __init__(self, layer):
        self.layer = layer

    def build(self, spec, build):
        """Make the layer's parameters with `build.vector`; returns the Spec of y."""
        raise NotImplementedError

    def forward(self, x, run):
        """(y, saved); in training (run.keep) with statistics of the batch where it takes any.

        New running statistics are handed to `run.keep_later`, which a whole step writes.
        """
        raise NotImplementedError

    def backward(self, e, saved, run):
        """The error at x; gradients of the roles that the scheme trains, beside the parameters."""
        raise NotImplementedError
