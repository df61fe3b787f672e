"""Plain stochastic gradient descent, without momentum."""


class SGD:
    """W <- clip(W - G(g)): the scheme's G slot is the whole step, no state is kept."""

    name = "sgd"
    settings = ()

    def step(self, kernels, scheme, parameters, rate, seed, step, images=1):
        """Update every parameter from its gradient; leaves the applied update beside it.

        images : in the whole batch; no matter to an update that is brought to its maximum.
        """
        for parameter in parameters:
            parameter.update = scheme.update(kernels, parameter, rate, seed, step)    # [G]
