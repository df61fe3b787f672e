"""An exported network, compiled and called: gcc, ctypes, and the program it comes with."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

from intflow.export import find_export

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="gcc is not installed: nothing compiles the C")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZED = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover")
SOURCES = ("intflow_kernels.c", "network.c", "training.c", "weights.c")
TYPES = {"int8_t": np.int8, "int16_t": np.int16, "int32_t": np.int32, "int64_t": np.int64}
OK, BAD_COUNT, BAD_LABEL, BAD_RATE, TOO_WIDE = range(5)


class Rate(ctypes.Structure):
    """p / q * 2**h"""

    _fields_ = [("p", ctypes.c_uint32), ("q", ctypes.c_uint32), ("h", ctypes.c_int32)]


class Result(ctypes.Structure):
    """What a step reports."""

    _fields_ = [
        ("images", ctypes.c_int32), ("wrong", ctypes.c_int32),
        ("loss_high", ctypes.c_uint64), ("loss_low", ctypes.c_uint64),
        ("loss_frac_bits", ctypes.c_int32),
    ]

    def loss(self):
        """(total, frac_bits), as the engine's StepResult has it."""
        return self.loss_high << 64 | self.loss_low, self.loss_frac_bits


def export(trainer, folder, **options):
    """Write the C files; returns the report."""
    return find_export("c")((trainer, {}), folder, **options)


def compile_c(folder, output, *flags):
    """Run gcc in the folder; a warning is an error."""
    run = subprocess.run([GCC, *STRICT, *flags, "-o", output], cwd=folder, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stderr
    return folder / output


class Library:
    """The exported files as a shared library.

    A folder is compiled once: the loader takes a second library of one name for the first.
    """

    def __init__(self, trainer, folder, optimise="-O0", **options):
        self.report = export(trainer, folder, **options)
        self.folder, self.classes = folder, trainer.network.classes
        path = compile_c(folder, "lib.so", optimise, "-shared", "-fPIC", *SOURCES)
        self.c = ctypes.CDLL(str(path))
        header = (folder / "intflow_net.h").read_text()
        self.output = TYPES[re.search(r"typedef (\w+) intflow_output", header).group(1)]
        self.c.intflow_train_step.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, Rate, ctypes.POINTER(Result)]

    def predict(self, images):
        """Outputs (N, classes)."""
        out = np.empty((len(images), self.classes), self.output)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (out, images)]
        assert self.c.intflow_predict(*pointers, len(images)) == OK
        return out

    def step(self, images, labels, rate=None):
        """(status, Result); at the default rate where none is given."""
        labels, result = labels.astype(np.int32), Result()
        rate = Rate.in_dll(self.c, "intflow_default_rate") if rate is None else rate
        status = self.c.intflow_train_step(
            images.ctypes.data, labels.ctypes.data, len(images), rate, ctypes.byref(result))
        return status, result

    def digest(self):
        """As `Trainer.digest`."""
        buffer = (ctypes.c_uint8 * 32)()
        self.c.intflow_digest(buffer)
        return bytes(buffer).hex()


def program(folder, *flags):
    """The small program, compiled with these flags."""
    return compile_c(folder, "program", *flags, "main.c", *SOURCES)


def records(images, labels):
    """The program's input: label and pixels, image by image."""
    labels = np.asarray(labels).astype("<u2")
    return b"".join(label.tobytes() + image.tobytes() for label, image in zip(labels, images))


def call(path, *arguments, given=b""):
    """(exit code, stdout, stderr) of the program."""
    run = subprocess.run([path, *map(str, arguments)], input=given, capture_output=True)
    return run.returncode, run.stdout.decode(), run.stderr.decode()
