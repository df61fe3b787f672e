"""Between pixels and rows, and fewer pixels: codes move, none changes."""

import numpy as np

from ..formats import Tensor


def flatten(x):
    """(H, W, N, C) -> (N, C*H*W), features in the order C, H, W of the papers."""
    images = x.codes.shape[2]
    codes = np.ascontiguousarray(x.codes.transpose(2, 3, 0, 1)).reshape(images, -1)
    return Tensor(codes, x.format, "NC")


def unflatten(e, shape):
    """The inverse of `flatten`; shape is (H, W, N, C)."""
    height, width, images, channels = shape
    codes = e.codes.reshape(images, channels, height, width).transpose(2, 3, 0, 1)
    return Tensor(np.ascontiguousarray(codes), e.format, "HWNC")


def subsample(x, stride, before, after):
    """Every stride-th pixel from the first, `before` and `after` channels of zeros around."""
    codes = x.codes[::stride[0], ::stride[1]]
    out = np.zeros((*codes.shape[:3], before + codes.shape[3] + after), codes.dtype)
    out[..., before:before + codes.shape[3]] = codes
    return Tensor(out, x.format, x.axes)


def subsample_error(e, stride, before, shape):
    """The inverse of `subsample`: zeros where no pixel was taken; shape is (H, W, N, C)."""
    out = np.zeros(shape, e.codes.dtype)
    out[::stride[0], ::stride[1]] = e.codes[..., before:before + shape[3]]
    return Tensor(out, e.format, e.axes)
