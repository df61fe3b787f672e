"""Between pixels and rows, and fewer pixels: codes move, none changes."""

from ..formats import Packed, Tensor
from ..kernels.buffers import ACTIVATIONS, ERRORS, copy_into, empty
from .bitwise import pack, unpack


def flatten(x):
    """(H, W, N, C) -> (N, C*H*W), features in the order C, H, W of the papers."""
    height, width, images, channels = x.codes.shape
    out = empty((images, channels, height, width), x.codes.dtype, ACTIVATIONS)
    copy_into(out, x.codes.transpose(2, 3, 0, 1))
    return Tensor(out.reshape(images, -1), x.format, "NC")


def flatten_bits(kernels, x):
    """`flatten` of a Packed, by way of its codes; of any other Tensor as well."""
    rows = flatten(unpack(kernels, x))
    return pack(kernels, rows) if isinstance(x, Packed) else rows


def unflatten(e, shape):
    """The inverse of `flatten`; shape is (H, W, N, C)."""
    height, width, images, channels = shape
    out = empty(shape, e.codes.dtype, ERRORS)
    copy_into(out, e.codes.reshape(images, channels, height, width).transpose(2, 3, 0, 1))
    return Tensor(out, e.format, "HWNC")


def subsample(x, stride, before, after):
    """Every stride-th pixel from the first, `before` and `after` channels of zeros around."""
    codes = x.codes[::stride[0], ::stride[1]]
    out = empty((*codes.shape[:3], before + codes.shape[3] + after), codes.dtype, ACTIVATIONS)
    copy_into(out, 0)
    copy_into(out[..., before:before + codes.shape[3]], codes)
    return Tensor(out, x.format, x.axes)


def subsample_error(e, stride, before, shape):
    """The inverse of `subsample`: zeros where no pixel was taken; shape is (H, W, N, C)."""
    out = empty(shape, e.codes.dtype, ERRORS)
    copy_into(out, 0)
    copy_into(out[::stride[0], ::stride[1]], e.codes[..., before:before + shape[3]])
    return Tensor(out, e.format, e.axes)
