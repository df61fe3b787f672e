"""safetensors: the integer codes and their formats in one file that many programs read.

The file is the length of a JSON header (u64), the header, and the tensors' bytes, little-endian.
It is written here, without a library, since there is no more to it.
"""

import json
from pathlib import Path

import numpy as np

from .describe import describe_network, describe_tensor, tensors

FILE = "network.safetensors"
TYPES = {"i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64",
         "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL"}
ALIGNMENT = 8


def write(source, out_dir):
    """Write every weight, master and as it enters products, and the optimiser's state.

    Parameters
    ----------
    source : (Trainer, attributes).
    out_dir : folder; made where it is missing.

    Returns
    -------
    dict: "files", "bytes" of the tensors.

    Notes
    -----
    Metadata of safetensors are strings: `network` is what `describe_network` says, in JSON, and
    each tensor's name leads to its axes, bits and frac_bits, in JSON. A value is code *
    2**-frac_bits.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    trainer = source[0]
    named = tensors(trainer)
    metadata = {"network": json.dumps(describe_network(source))}
    metadata |= {name: json.dumps(describe_tensor(tensor)) for name, tensor in named.items()}
    arrays = {name: tensor.logical() for name, tensor in named.items()}
    data = serialize({**arrays, **optimizer_state(trainer)}, metadata)
    (out_dir / FILE).write_bytes(data)
    return dict(files=[FILE], bytes=len(data))


def optimizer_state(trainer):
    """{name: array} of what the optimiser keeps, named after its weight."""
    return {f"{parameter.name}.{name}": np.asarray(codes)
            for parameter in trainer.network.parameters
            for name, codes in parameter.state.items()}


def serialize(arrays, metadata):
    """The bytes of a safetensors file.

    arrays : {name: integer array}; stored widest elements first, so that all lie aligned.
    metadata : {str: str}
    """
    header, chunks, start = {"__metadata__": metadata}, [], 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = arrays[name]
        chunk = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        header[name] = dict(dtype=TYPES[array.dtype.str[1:]], shape=list(array.shape),
                            data_offsets=[start, start + len(chunk)])
        chunks.append(chunk)
        start += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + b"".join(chunks)
