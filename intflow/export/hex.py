"""Memories for `$readmemh`: one file a tensor, one value a line.

A value is its code in two's complement of the tensor's bits, without the bits above, in equally
many hexadecimal digits on every line: -1 in 2 bits is 3, in 8 bits ff. Of a binary tensor it is 1
for +1 and 0 for -1; of powers of two (pow2) a sign bit above a field f, 0 or 2**(f - 1) steps. Values
stand in logical order (OIHW, OI), the last axis running fastest; `manifest.json` says shape, bits
and step.
"""

import hashlib
import json
from pathlib import Path

from ..errors import ExportError
from .describe import describe_network, describe_tensor, input_tables, tensors

MANIFEST = "manifest.json"
PACKING = ("one value a line, hexadecimal, two's complement of `bits` bits, last axis fastest; binary: 1 "
           "for +1, 0 for -1; pow2: a sign bit above a field f, 0 or 2**(f - 1) steps")


def write(source, out_dir):
    """Write every weight, master and as it enters products, and the table that encodes bytes.

    Parameters
    ----------
    source : (Trainer, attributes).
    out_dir : folder; made where it is missing.

    Returns
    -------
    dict: "files", their names; "values", how many there are in all.

    Examples
    --------
    conv2d_1.weight_q.mem of lenet 2888 has 32 * 1 * 5 * 5 lines 0, 1 or 3.
    """
    if source[0].network.reads_text:
        raise ExportError("hex is written for networks of images, and this one reads text; use "
                          "--format safetensors")
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    named = {**input_tables(source[0]), **tensors(source[0])}
    manifest = {"network": describe_network(source), "packing": PACKING, "tensors": {}}
    for name, tensor in named.items():
        file = f"{name}.mem"
        text = memory(tensor)
        (out_dir / file).write_text(text, encoding="ascii", newline="\n")
        sha256 = hashlib.sha256(text.encode("ascii")).hexdigest()
        manifest["tensors"][name] = dict(file=file, **describe_tensor(tensor), sha256=sha256)
    (out_dir / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    files = [*(f"{name}.mem" for name in named), MANIFEST]
    return dict(files=files, values=sum(tensor.codes.size for tensor in named.values()))


def memory(tensor):
    """The text of a memory: a tensor's codes in logical order, one a line.

    Examples
    --------
    Codes 1, 0, -1 of 2 bits: "1", "0", "3"; -1 of 12 bits: "fff". -4 of PowerOfTwo(4): "b".
    """
    digits, word = -(-tensor.format.bits // 4), tensor.format.word
    codes = tensor.logical().ravel().tolist()
    return "".join(f"{word(code):0{digits}x}\n" for code in codes)
