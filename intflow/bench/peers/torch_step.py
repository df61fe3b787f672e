"""A training step in PyTorch: fp32, bf16 autocast, or WAGE simulated in fp32; channels_last."""


class TorchStep:
    """The same batch again and again.

    Parameters
    ----------
    table : layers, as `torch_networks.network` takes them.
    images : [N, C, H, W]; classes : int; loss : "sse" or "softmax".
    kind : "fp32", "bf16" or "wage"; bits : [W, A, G, E] of the last.
    threads : of the process.
    """

    RATE = 1e-3

    def __init__(self, table, images, classes, loss, kind, bits, threads):
        import torch

        from . import torch_networks

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch, self.networks = torch, torch_networks
        self.kind, self.bits, self.loss, self.classes = kind, bits, loss, classes
        last = torch.channels_last
        self.network = torch_networks.network(table, bits if kind == "wage" else None)
        self.network = self.network.to(memory_format=last)
        self.images = (torch.rand(images) * 2 - 1).contiguous(memory_format=last)
        self.labels = torch.randint(0, classes, images[:1])
        self.parameters = list(self.network.parameters())
        self.optimizer = torch.optim.SGD(self.parameters, lr=self.RATE)
        self.run()

    def about(self):
        return {"library": f"torch {self.torch.__version__}"}

    def run(self):
        self.optimizer.zero_grad(set_to_none=True)
        with self.torch.autocast("cpu", self.torch.bfloat16, enabled=self.kind == "bf16"):
            total = self._loss(self._outputs())
        total.backward()
        if self.kind != "wage":
            self.optimizer.step()
            return
        with self.torch.no_grad():
            self.networks.update(self.parameters, self.bits[2], 8)

    def _outputs(self):
        outputs = self.network(self.images)
        if self.kind != "wage":
            return outputs
        return self.networks.NarrowError.apply(outputs, self.bits[3])

    def _loss(self, outputs):
        functional = self.torch.nn.functional
        if self.loss == "softmax":
            return functional.cross_entropy(outputs, self.labels)
        wanted = functional.one_hot(self.labels, self.classes).to(outputs.dtype)
        return ((wanted - outputs) ** 2).sum() / 2
