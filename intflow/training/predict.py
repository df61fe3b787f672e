"""Classes of single images."""

import numpy as np

from ..data.picture import read_picture
from ..errors import UsageError
from .setup import rule_of


def predict(trainer, about, paths, top):
    """[{"image", "classes": [{"name", "index", "output"}]}], the likeliest classes first.

    Images are brought to the network's size and channels by integer arithmetic.
    """
    if trainer.network.reads_text:
        raise UsageError("predict takes images, and this network reads text; measure it with intflow "
                         "eval RUN --data FILE.txt")
    # All are read before the first is shown: a bad file leaves no half answer.
    rule, shape = rule_of(about["config"]), about["input_shape"]
    images = [_read(path, shape, rule, trainer.kernels) for path in paths]
    step = trainer.network.output.format.step
    rows = []
    for path, image in zip(paths, images):
        outputs, _ = trainer.evaluate(image[None], np.zeros(1, np.int64))
        order = np.argsort(-outputs[0].astype(np.int64), kind="stable")[:top]
        classes = [
            {"name": about["class_names"][i], "index": int(i), "output": float(int(outputs[0][i]) * step)}
            for i in order.tolist()
        ]
        rows.append({"image": str(path), "classes": classes})
    return rows


def _read(path, shape, rule, kernels):
    """One picture, u8 (C, H, W), by the name of an augmentation or by a Preprocessing."""
    if not callable(rule):
        return read_picture(path, shape, rule)
    size = (rule.size, rule.size) if rule.size else shape[1:]
    return rule(read_picture(path, (shape[0], *size))[None], None, shape[1:], kernels)[0]
