"""The three products of a convolution, and of a matrix, in PyTorch."""


class TorchProduct:
    """One product again and again.

    Parameters
    ----------
    face : "forward", "error" or "gradient".
    sizes : {"x": [N, I, H, W], "w": [O, I/groups, KH, KW], "y": [N, O, OH, OW], "stride",
        "padding" (top, bottom, left, right), "dilation", "groups"}. One pixel and one tap is a matrix product.
    kind : "fp32", "bf16", or "int8" (matrices forward alone, s8 x s8 -> s32).
    threads : of the process.
    """

    def __init__(self, face, sizes, kind, threads):
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch, self.face, self.sizes = torch, face, sizes
        self.is_matrix = sizes["w"][2:] == [1, 1] and sizes["x"][2:] == [1, 1]
        self.kind = kind
        self.x, self.w, self.e = (self._random(sizes[name]) for name in "xwy")
        self.product = self._matrices() if self.is_matrix else self._convolution()
        self.run()

    def about(self):
        return {"library": f"torch {self.torch.__version__}"}

    def run(self):
        with self.torch.no_grad():
            self.product()

    def _random(self, shape):
        torch = self.torch
        if self.kind == "int8":
            return torch.randint(-127, 128, shape, dtype=torch.int8)
        dtype = torch.bfloat16 if self.kind == "bf16" else torch.float32
        return torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)

    def _matrices(self):
        x, w, e = (tensor.flatten(1) for tensor in (self.x, self.w, self.e))
        if self.kind == "int8":
            return lambda: self.torch._int_mm(x, w.t())
        return {"forward": lambda: x @ w.t(), "error": lambda: e @ w, "gradient": lambda: e.t() @ x
                }[self.face]

    def _convolution(self):
        torch, sizes = self.torch, self.sizes
        x, padding = padded(self.x, sizes["padding"])
        window = sizes["stride"], padding, sizes["dilation"]
        if self.face == "forward":
            return lambda: torch.conv2d(x, self.w, None, *window, sizes["groups"])
        wanted = [self.face == "error", self.face == "gradient", False]
        return lambda: torch.ops.aten.convolution_backward(
            self.e, x, self.w, None, *window, False, [0, 0], sizes["groups"], wanted)


def padded(x, padding):
    """(x, (h, w)): zeros that are the same on both sides are left to the product."""
    import torch

    top, bottom, left, right = padding
    if (top, left) == (bottom, right):
        return x, (top, left)
    x = torch.nn.functional.pad(x, (left, right, top, bottom))
    return x.contiguous(memory_format=torch.channels_last), (0, 0)
