"""Whole training steps: forward, loss, backward, update, on a batch that stays the same."""

import numpy as np

from ..errors import BenchError
from ..group import ALONE
from ..models import find_model
from ..quantizers import make_scheme
from ..training.count import Plan
from ..training.trainer import Trainer
from ..training.setup import parse_width
from .contest import Entrant, contest, ratios
from .options import ALL, backends
from .processes import engine
from .products import told_absent
from .tables import table_of

# model -> batch size
MODELS = {"vgg7": 128, "lenet": 128, "alexnet": 32, "resnet20": 128}
CHECKED_IMAGES = 2          # of the step that the reference kernels repeat
PEERS = {"torch fp32": "fp32", "torch bf16": "bf16", "torch simulated WAGE": "wage"}


class Step:
    """The same batch of random bytes again and again.

    Parameters
    ----------
    model, bits, scheme, width, classes, batch_size, backend, threads, group : as `Trainer` takes
        them.
    """

    def __init__(self, model, bits, scheme, width, classes, batch_size, backend, threads,
                 group=ALONE):
        self.trainer = Trainer(model, bits, scheme, classes=classes, width=parse_width(width),
                               batch_size=batch_size, backend=backend, threads=threads, group=group)
        rng = np.random.default_rng(batch_size)
        shape = (batch_size, *self.trainer.network.input_shape)
        self.images = rng.integers(0, 256, shape, np.uint8)
        self.labels = rng.integers(0, classes, batch_size)
        self.run()
        self.digest = self.trainer.digest()

    def about(self):
        """digest : of the state after one step; everyone's is the same."""
        return {"backend": self.trainer.kernels.backend, "digest": self.digest}

    def run(self):
        self.trainer.step(self.images, self.labels)


def run(options, tell):
    """One row a model."""
    return {"rows": [_row(model, options, tell) for model in options.models or MODELS]}


def _row(model, options, tell):
    settings = settings_of(model, options)
    images = settings["batch_size"]
    peers = torch_entrants(settings, options) if options.peers else []
    names = backends() if options.backend == ALL else [options.backend]
    tell(f"step {model}, batch {images}: the reference kernels repeat a small one")
    check(settings, names, options)
    tell(f"step {model}, batch {images}: {options.rounds} rounds")
    entrants = [Entrant(f"intflow {name}", "step", {**settings, "backend": name}, work=images)
                for name in names]
    report = contest(entrants + peers, options)
    same_digest(report["results"])
    others = [entrant.name for entrant in peers]
    report["ratios"] = {f"intflow {name}": ratios(report["results"], f"intflow {name}", others)
                        for name in names}
    return {"case": f"{model} {settings['bits']}", "batch_size": images,
            "checked": f"a step of {CHECKED_IMAGES} images equals the reference kernels'", **report}


def settings_of(model, options, batch_size=None):
    """What `Step` takes, but for the backend."""
    entry = find_model(model)
    return dict(
        model=model, bits=str(make_scheme(options.scheme, options.bits).bits),
        scheme=options.scheme, width=options.width, classes=1000 if entry.fixed_size else 10,
        batch_size=batch_size or options.batch_size or MODELS.get(model, entry.batch_size),
        threads=options.threads)


def check(settings, names, options):
    """A small step by the reference and by each backend, in a process of its own each.

    Raises
    ------
    BenchError : digests that differ.
    """
    small = {**settings, "batch_size": CHECKED_IMAGES}
    results = {}
    for name in ("reference", *names):
        with engine(options.threads) as process:
            results[name] = process.ask(do="open", task="step", **{**small, "backend": name})
    same_digest(results)


def same_digest(results):
    """BenchError unless all that tell a digest tell the same."""
    told = {name: result["digest"] for name, result in results.items() if "digest" in result}
    if len(set(told.values())) > 1:
        raise BenchError("steps that should be equal are not: " + ", ".join(
            f"{name} {digest[:16]}" for name, digest in told.items()))


def torch_entrants(settings, options):
    """The peers of a step: the same table of layers, as floats and as simulated WAGE."""
    plan = Plan(settings["model"], settings["bits"], settings["scheme"], settings["width"],
                settings["classes"], settings["batch_size"])
    bits = plan.scheme.bits
    common = dict(
        table=table_of(plan.network.layers), classes=settings["classes"], loss=plan.loss,
        images=[settings["batch_size"], *plan.network.input_shape], threads=options.threads,
        bits=[bits.weight, bits.activation, bits.gradient, bits.error])
    wanted = PEERS if settings["scheme"] == "wage" else list(PEERS)[:2]
    return [Entrant(name, "torch_step", {**common, "kind": PEERS[name]}, True,
                    settings["batch_size"]) for name in wanted]


def lines(report):
    """Images a second of everyone, ratios, peaks of memory."""
    for row in report["rows"]:
        yield f"{row['case']}, batch {row['batch_size']}; {row['checked']}"
        for name, result in row["results"].items():
            yield "    " + _line(name, result, row["ratios"].get(name, {}))
    yield from told_absent(report["rows"])


def _line(name, result, against):
    text = (f"{name:22} {result['rate']:8.1f} images/s  {1e3 * result['seconds']:8.1f} ms "
            f"({1e3 * result['least']:.1f} to {1e3 * result['most']:.1f})")
    if result.get("peak_bytes"):
        text += f"  peak {result['peak_bytes'] / 1e6:.0f} MB"
    for other, found in against.items():
        text += f"  {found['median']:.2f}x {other}"
    return text
