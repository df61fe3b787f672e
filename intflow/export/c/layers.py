"""Every layer as calls of C kernels: the same forward/backward pairs as in `intflow.layers`.

`forward(program, layer, x)` returns (y, saved), `backward(program, layer, e, saved)` the error
below or None, exactly where the engine's layer does. Nothing is computed here: a `Value` names the
buffer that will hold a tensor, and says its shape and format.
"""

from . import combinators, pointwise, pooling, products

LAYERS_IN_C = {
    "conv2d": (products.forward, products.backward),
    "linear": (products.forward, products.backward),
    "max_pool2d": (pooling.max_pool_forward, pooling.max_pool_backward),
    "avg_pool2d": (pooling.avg_pool_forward, pooling.avg_pool_backward),
    "relu": (pointwise.relu_forward, pointwise.relu_backward),
    "batch_norm2d": (pointwise.identity_forward, pointwise.identity_backward),
    "flatten": (pointwise.flatten_forward, pointwise.flatten_backward),
    "requantize": (pointwise.requantize_forward, pointwise.requantize_backward),
    "sequential": (combinators.sequential_forward, combinators.sequential_backward),
    "residual": (combinators.residual_forward, combinators.residual_backward),
    "concatenate": (combinators.concatenate_forward, combinators.concatenate_backward),
}
