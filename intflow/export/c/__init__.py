"""C99 for a device: inference and the whole training step, in static memory, without a float.

    step.py          forward pass and training step, as programs
    layers.py        every layer as calls of C kernels: products, pooling, pointwise, combinators
    program.py       calls, buffers, the plan of the memory
    kernels.py       C kernels out of templates/, a copy for each set of types
    network_files.py, weight_files.py, manifest.py          what is written
    check.py         what is refused
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ...errors import ExportError
from ...training.schedule import parse_schedule, rate_at
from .check import check
from .kernels import fill, make_kernels, template
from .manifest import describe, read_me, write_manifest
from .network_files import (
    joined, master_type, network_header, network_source, public_header, training_source,
)
from .step import Step, inference, training
from .weight_files import weights_header, write_weights


@dataclass
class Export:
    """What the writers of the files share.

    rate : Fraction; what training would go on with. title : str; a line for people.
    inference, training : Step. pools : {type: elements} that serve both.
    """

    trainer: object
    about: dict
    batch_size: int
    rate: Fraction
    title: str
    inference: Step
    training: Step
    pools: dict

    @property
    def parameters(self):
        """The trained tensors, in order."""
        return self.trainer.network.parameters


def write(source, out_dir, batch_size=None):
    """Write a C99 library and program.

    Parameters
    ----------
    source : (Trainer, attributes), as `training.load.load_checkpoint` returns them.
    out_dir : folder; made where it is missing.
    batch_size : int; images of the largest batch, for which all memory is planned. The batch that
        the trainer was built for, which is also the most there can be.

    Returns
    -------
    dict; files (names), batch_size, state_bytes, inference_bytes, training_bytes, digest.

    Raises
    ------
    ExportError : one line, for what C code would not compute exactly like the engine.

    Exactness
    ---------
    Outputs, losses, weights after any number of steps and their digest equal the engine's bit for
    bit. Two calls with the same source write the same bytes.
    """
    export = _prepare(*source, batch_size)
    out = Path(out_dir)
    try:
        out.mkdir(parents=True, exist_ok=True)
        names = _write_files(out, export)
    except OSError as error:
        raise ExportError(f"cannot write into {out}: {error.strerror}; choose another --out")
    return {"files": names, **describe(export)}


def _prepare(trainer, about, batch_size):
    batch_size = trainer.network.batch_size if batch_size is None else batch_size
    check(trainer, batch_size)
    first, second = inference(trainer, batch_size), training(trainer, batch_size)
    bits, shape = trainer.scheme.bits, "x".join(map(str, trainer.network.input_shape))
    name = about["config"].model if "config" in about else "a network"
    return Export(
        trainer, about, batch_size, _rate(trainer, about),
        f"intflow: {name}, {bits}, images {shape}, {trainer.network.classes} classes",
        first, second, joined(first.pools, second.pools),
    )


def _rate(trainer, about):
    """The rate that the run would train on with; the trainer's own where there is no run."""
    config = about.get("config")
    if config is None or not config.lr:
        return trainer.rate
    schedule = parse_schedule(config.schedule)
    return rate_at(int(about.get("epoch", 0)), Fraction(config.lr), schedule)


def _write_files(out, export):
    """Write everything; returns the names."""
    calls = export.inference.program.kernels | export.training.program.kernels
    calls |= {("sha256_codes", (master_type(p),)) for p in export.parameters}
    calls.add(("first_largest", (export.inference.output.type,)))
    source, header = make_kernels(calls)
    texts = {
        "intflow_kernels.c": source,
        "intflow_kernels.h": header,
        "intflow_net.h": public_header(export),
        "network.h": network_header(export),
        "network.c": network_source(export),
        "training.c": training_source(export),
        "weights.h": weights_header(export),
        "main.c": template("main.c"),
        "Makefile": template("Makefile"),
        "README.md": fill(template("README.md"), read_me(export)),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    write_weights(out / "weights.c", export)
    names = sorted([*texts, "weights.c"])
    write_manifest(out, names, export)
    return [*names, "manifest.json"]

