"""One number for the whole integer state."""

import hashlib

from ..formats import format_name


def state_digest(parameters, step, formats=None):
    """SHA-256 over names, formats, shapes, codes and optimiser state, and the step count.

    formats : {name: format} that calibration chose, if it did.

    Codes enter in logical order (OIHW, OI), little-endian, so that neither the memory layout nor the
    backend nor the machine shows.
    """
    sha = hashlib.sha256(f"intflow state 1\nstep {step}\n".encode())
    for parameter in parameters:
        _add(sha, parameter.name, format_name(parameter.master.format), parameter.master.logical())
        for name in sorted(parameter.state):
            _add(sha, f"{parameter.name}.{name}", "state", parameter.state[name])
    for name, fmt in sorted((formats or {}).items()):
        sha.update(f"format {name} {format_name(fmt)}\n".encode())
    return sha.hexdigest()


def _add(sha, name, fmt, codes):
    little = codes.astype(codes.dtype.newbyteorder("<"), copy=False)
    sha.update(f"{name} {fmt} {codes.dtype.itemsize} {codes.shape}\n".encode())
    sha.update(little.tobytes())
