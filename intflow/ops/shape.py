"""Between pixels and rows."""

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
