"""What PyTorch's pickles describe: storages, and tensors that are views of them.

A *storage* is a run of numbers, a tensor a part of one: offset, shape and strides in elements.
KNOWN is all that such a pickle may name (see `unpickle.py`); the functions in it take a file's
arguments and distrust them.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from .unpickle import Refused, entries
from .widen import WIDTHS, to_fp32

INSIDE = ("state_dict", "model_state_dict", "model", "net", "weights")
FLOATS = {"Half": "float16", "BFloat16": "bfloat16", "Float": "float32", "Double": "float64"}
INTEGERS = {"Bool": 1, "Byte": 1, "Char": 1, "Short": 2, "Int": 4, "Long": 8}
MAX_AXES = 16
MAX_RATIO = 4           # fp16 becomes twice as wide, and weights may be tied


@dataclass(frozen=True)
class StorageType:
    """What the elements of a storage are: a kind of `widen`, or None for integers, and bytes."""

    kind: str
    width: int


@dataclass(frozen=True)
class Storage:
    """A run of `count` elements, by its key in the file."""

    type: StorageType
    key: str
    count: int

    @property
    def size(self):
        """In bytes."""
        return self.type.width * self.count


@dataclass(frozen=True)
class View:
    """A tensor: a part of a storage."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple

    def array(self, buffer):
        """The tensor out of the elements of its storage, fp32.

        Raises
        ------
        ValueError : it reaches outside its storage, or is larger than it.
        """
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides))
        if prod(self.shape) > len(buffer) or (prod(self.shape) and last >= len(buffer)):
            raise ValueError("a tensor reaches outside its storage")
        width = buffer.itemsize
        view = np.lib.stride_tricks.as_strided(
            buffer[self.offset:], self.shape, [width * s for s in self.strides])
        return to_fp32(view, self.storage.type.kind)


def storage_of(identity):
    """The Storage of a persistent id ("storage", type, key, device, count, ...)."""
    if not isinstance(identity, tuple) or identity[:1] == ("module",):
        raise Refused("it holds a whole network with its code, not tensors alone")
    if identity[:1] != ("storage",) or len(identity) not in (5, 6):
        raise ValueError("a storage of no known form")
    _, kind, key, _, count, *view = identity
    kind = getattr(kind, "stands_for", None)
    if not isinstance(kind, StorageType) or not isinstance(key, str):
        raise ValueError("a storage of no known type")
    if type(count) is not int or count < 0 or any(v is not None for v in view):
        raise ValueError("a storage of no known size")
    return Storage(kind, key, count)


def _rebuild(storage, offset, shape, strides, *_):
    """What stands for torch._utils._rebuild_tensor and _rebuild_tensor_v2."""
    if not isinstance(storage, Storage) or len(shape) != len(strides) or len(shape) > MAX_AXES:
        raise ValueError("a tensor without storage, shape or strides")
    numbers = (offset, *shape, *strides)
    if not all(type(n) is int and 0 <= n < 2**62 for n in numbers):
        raise ValueError("a tensor of negative size")
    return View(storage, offset, tuple(shape), tuple(strides))


def _ordered(pairs=None):
    """What stands for OrderedDict: empty (Python 3), or with a list of pairs (Python 2)."""
    if pairs is None:
        return {}
    found = entries([part for key, value in pairs for part in (key, value)])
    pairs.clear()       # one list makes one dictionary, so that calls cannot multiply a file
    return found


KNOWN = {
    "collections OrderedDict": _ordered,
    "torch._utils _rebuild_tensor": _rebuild,
    "torch._utils _rebuild_tensor_v2": _rebuild,
    "torch._utils _rebuild_parameter": lambda data, *_: data,
    "torch Size": lambda sizes: sizes,
}
for _name, _kind in FLOATS.items():
    KNOWN[f"torch {_name}Storage"] = StorageType(_kind, WIDTHS[_kind])
for _name, _width in INTEGERS.items():
    KNOWN[f"torch {_name}Storage"] = StorageType(None, _width)
KNOWN |= {name.replace("torch ", "torch.cuda "): kind for name, kind in KNOWN.items()
          if name.endswith("Storage")}


def views_in(found, size):
    """{name: View} of the float tensors in what a pickle describes.

    found : what `Unpickler.load` returned: tensors by name, or a checkpoint that holds them under
        one of INSIDE. size : bytes of the whole file; its tensors cannot be much larger.
    """
    for name in INSIDE:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
            break
    if not isinstance(found, dict):
        raise Refused(f"it holds a {type(found).__name__}, not a dictionary of tensors")
    views = {str(name): view for name, view in found.items()
             if isinstance(view, View) and view.storage.type.kind is not None}
    if sum(4 * prod(view.shape) for view in views.values()) > MAX_RATIO * size:
        raise ValueError("its tensors are larger than the file")
    return views


def arrays_of(views, elements):
    """{name: fp32 array} of views; each storage is read once, and dropped after its last view.

    elements : function (Storage) -> its numbers as they lie in the file.
    """
    by_storage = {}
    for name, view in views.items():
        by_storage.setdefault(view.storage, []).append(name)
    arrays = {}
    for storage, names in by_storage.items():
        buffer = elements(storage)
        arrays |= {name: views[name].array(buffer) for name in names}
    return {name: arrays[name] for name in views}
