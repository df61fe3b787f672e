"""manifest.json and the tables of the exported README: what a program or a person asks first."""

import hashlib
import json

from ... import __version__
from ...formats import format_name
from .values import weight_name
from .network_files import master_type, pool_bytes, state_bytes
from .program import C_TYPES, SIZES


def describe(export):
    """The numbers of the report."""
    return {
        "batch_size": export.batch_size,
        "state_bytes": state_bytes(export.parameters),
        "inference_bytes": pool_bytes(export.inference.pools),
        "training_bytes": pool_bytes(export.pools),
        "digest": export.trainer.digest(),
    }


def write_manifest(out, names, export):
    """manifest.json: everything above and a SHA-256 of every file."""
    trainer = export.trainer
    manifest = {
        "format": "intflow c 1",
        "intflow": __version__,
        "title": export.title,
        "scheme": trainer.scheme.name,
        "bits": str(trainer.scheme.bits),
        "loss": trainer.loss.name,
        "encoding": trainer.encoder.name,
        "input_shape": list(trainer.network.input_shape),
        "classes": export.about.get("class_names", trainer.network.classes),
        "output_format": format_name(export.inference.output.format),
        "seed": str(trainer.network.seed),
        "step": trainer.steps,
        "lr": str(export.rate),
        **describe(export),
        "pools": {kind: {"elements": count, "bytes": count * SIZES[kind]}
                  for kind, count in export.pools.items()},
        "weights": [_weight(p) for p in export.parameters],
        "files": {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names},
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (out / "manifest.json").write_text(text, encoding="utf-8", newline="\n")


def _weight(p):
    return {
        "name": p.name, "c_name": weight_name(p), "c_type": C_TYPES[master_type(p)],
        "axes": p.master.logical_axes, "shape": list(p.master.logical().shape),
        "format": format_name(p.master.format), "frac_bits": p.master.format.frac_bits,
    }


def read_me(export):
    """Values of templates/README.md."""
    shape = export.trainer.network.input_shape
    return {
        "TITLE": export.title,
        "BATCH": export.batch_size,
        "SHAPE": " x ".join(map(str, shape)),
        "OUTPUT": format_name(export.inference.output.format),
        "RATE": export.rate,
        "DIGEST": export.trainer.digest(),
        "STATE": state_bytes(export.parameters),
        "INFERENCE": pool_bytes(export.inference.pools),
        "TRAINING": pool_bytes(export.pools),
        "POOLS": "\n".join(f"| {C_TYPES[kind]} | {count} | {count * SIZES[kind]} |"
                           for kind, count in export.pools.items()),
    }
