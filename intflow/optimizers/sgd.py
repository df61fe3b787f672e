"""Plain stochastic gradient descent, without momentum."""


class SGD:
    """W <- clip(W - G(g)): the scheme's G slot is the whole step, no state is kept."""

    name = "sgd"

    def step(self, kernels, scheme, parameters, rate, seed, step):
        """Update every parameter from its gradient; leaves the applied update beside it."""
        for parameter in parameters:
            parameter.update = scheme.update(kernels, parameter, rate, seed, step)    # [G]
