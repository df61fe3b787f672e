"""Peak memory of a training step: what was predicted, what was taken, what PyTorch takes."""

import gc

import numpy as np

from ..kernels import load
from ..kernels.buffers import Pool, using
from ..models import find_model
from ..training.setup import parse_width
from ..training.summary import summarize
from ..training.trainer import Trainer
from .contest import Entrant, contest
from .peers.answer import memory
from .products import told_absent
from .step import settings_of, torch_entrants

MODELS = ("vgg7", "lenet", "alexnet", "resnet20")
STEPS = 2
PEER = "torch fp32"


class StepMemory:
    """Some steps, and what they take beside what was there before: code, libraries.

    The arguments are those of `Step`. A first step of one image in memory of its own has everything
    compiled and loaded; then the peak is counted anew.
    """

    def __init__(self, model, bits, scheme, width, classes, batch_size, backend, threads):
        def trainer(images):
            return Trainer(model, bits, scheme, classes=classes, width=parse_width(width),
                           batch_size=images, kernels=load(backend, threads))

        shape = find_model(model).input_shape
        images = np.full((batch_size, *shape), 7, np.uint8)
        labels = np.arange(batch_size) % classes
        with using(Pool()):
            trainer(1).step(images[:1], labels[:1])
        gc.collect()
        forget_peak()
        self.before = memory("VmRSS")
        self.trainer, self.batch = trainer(batch_size), (images, labels)
        for _ in range(STEPS):
            self.run()
        self.grown = memory("VmHWM") - self.before

    def about(self):
        return {"grown_bytes": self.grown, "before_bytes": self.before}

    def run(self):
        self.trainer.step(*self.batch)


def forget_peak():
    """Have the kernel count VmHWM anew."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def run(options, tell):
    """One row a model."""
    return {"rows": [_row(model, options, tell) for model in options.models or MODELS]}


def _row(model, options, tell):
    settings = settings_of(model, options)
    tell(f"memory {model}, batch {settings['batch_size']}")
    plan = summarize(model, options.bits, options.scheme, options.width, settings["classes"],
                     settings["batch_size"])["memory"]["training"]
    ours = f"intflow {options.backend}"
    entrants = [Entrant(ours, "memory", {**settings, "backend": options.backend})]
    if options.peers:
        entrants += [e for e in torch_entrants(settings, options) if e.name == PEER]
    report = contest(entrants, options)
    result = report["results"][ours]
    # The batch is there before, its waiting successors are not made here.
    result["predicted_bytes"] = plan["total"] - plan["data"]
    result["of_predicted"] = result["grown_bytes"] / result["predicted_bytes"]
    if PEER in report["results"]:
        result["of_torch_fp32"] = result["peak_bytes"] / report["results"][PEER]["peak_bytes"]
    return {"case": f"{model} {settings['bits']}", "batch_size": settings["batch_size"],
            "plan": plan, **report}


def lines(report):
    """Megabytes: of the whole process, of the steps, as predicted."""
    for row in report["rows"]:
        yield f"{row['case']}, batch {row['batch_size']}"
        for name, result in row["results"].items():
            text = f"    {name:18} peak of the process {result['peak_bytes'] / 1e6:.0f} MB"
            if "grown_bytes" in result:
                text += (f", of it the steps {result['grown_bytes'] / 1e6:.0f} MB, "
                         f"{result['of_predicted']:.2f} of the "
                         f"{result['predicted_bytes'] / 1e6:.0f} MB predicted")
            if "of_torch_fp32" in result:
                text += f"; {result['of_torch_fp32']:.2f} of {PEER}"
            yield text
    yield from told_absent(report["rows"])
