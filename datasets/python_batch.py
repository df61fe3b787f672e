"""Python batches of CIFAR, read without running any of their code.

A pickle is a program for a small stack machine; Python's own loader lets it import and call
anything. This reader knows only the instructions below and can build only None, bool, int,
str, bytes, list, tuple, dict and u8 arrays. The few callables that such files name stand
here as plain marks: `numpy.ndarray` and `numpy.dtype` never run, their arguments are looked
at instead. Every other name is refused.

Python 2 strings (which the published files use for keys, names and pixels) become str where
they are ASCII and short, and stay bytes otherwise.
"""

import pickletools

import numpy as np

from .source import BadData

ALLOWED = {
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy._core.multiarray _reconstruct": "reconstruct",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}


class _Mark:
    """A stand-in: for a callable that is only named, or for where a list began."""

    def __init__(self, what):
        self.what = what


class _Array(_Mark):
    """An array that `_reconstruct` would have made; BUILD gives it its content."""

    def __init__(self):
        super().__init__("array")
        self.content = None


class _Dtype(_Mark):
    """A dtype by its code; only u1 can fill an array."""

    def __init__(self, code):
        super().__init__("dtype of")
        self.code = code


def read_batch(content, path):
    """The dictionary in a pickled batch.

    Parameters
    ----------
    content : bytes of the file.
    path : named in errors.

    Returns
    -------
    dict with str keys; values of the kinds named above.
    """
    try:
        result = _Reader().run(content)
    except _Refused as error:
        raise BadData(f"{path}: not a CIFAR batch, {error}") from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError,
            RecursionError, MemoryError, OverflowError) as error:
        text = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise BadData(f"{path}: truncated or not a Python batch ({text})") from None
    if not isinstance(result, dict):
        raise BadData(f"{path}: holds a {type(result).__name__}, expected a dictionary")
    return {_text(k): _content(v) for k, v in result.items()}


def _text(key):
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)


def _content(value):
    return value.content if isinstance(value, _Array) else value


class _Refused(Exception):
    """The file asks for something no batch needs."""


class _Reader:
    def __init__(self):
        self.stack, self.memo = [], {}

    def run(self, content):
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return self.stack.pop()
            step = getattr(self, "on_" + opcode.name.lower(), None)
            if step is not None:
                step(argument)
            elif opcode.name in _PUSH:
                self.stack.append(_PUSH[opcode.name](argument))
            elif opcode.name not in ("PROTO", "FRAME"):
                raise _Refused(f"it uses the instruction {opcode.name}")
        raise ValueError("no end")

    # Stack and memo.

    def on_mark(self, _):
        self.stack.append(_Mark("mark"))

    def to_mark(self):
        """Pop everything above the topmost mark, and the mark."""
        for at in range(len(self.stack) - 1, -1, -1):
            if type(self.stack[at]) is _Mark and self.stack[at].what == "mark":
                items = self.stack[at + 1:]
                del self.stack[at:]
                return items
        raise ValueError("no mark")

    def on_binput(self, index):
        self.memo[index] = self.stack[-1]

    on_put = on_long_binput = on_binput

    def on_memoize(self, _):
        self.memo[len(self.memo)] = self.stack[-1]

    def on_binget(self, index):
        self.stack.append(self.memo[index])

    on_get = on_long_binget = on_binget

    # Containers.

    def on_tuple(self, _):
        self.stack.append(tuple(self.to_mark()))

    def on_tuple1(self, _):
        self.pack(1)

    def on_tuple2(self, _):
        self.pack(2)

    def on_tuple3(self, _):
        self.pack(3)

    def pack(self, count):
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def on_list(self, _):
        self.stack.append(self.to_mark())

    def on_dict(self, _):
        items = self.to_mark()
        self.stack.append(_entries(items))

    def on_append(self, _):
        item = self.stack.pop()
        self.top(list).append(item)

    def on_appends(self, _):
        items = self.to_mark()
        self.top(list).extend(items)

    def on_setitem(self, _):
        value, key = self.stack.pop(), self.stack.pop()
        self.top(dict).update(_entries([key, value]))

    def on_setitems(self, _):
        items = self.to_mark()
        self.top(dict).update(_entries(items))

    def top(self, kind):
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"a {type(self.stack[-1]).__name__} where a {kind.__name__} belongs")
        return self.stack[-1]

    # Names and calls: recognised, never made.

    def on_global(self, name):
        if name not in ALLOWED:
            raise _Refused(f"it wants to import {name.replace(' ', '.')[:60]}")
        self.stack.append(_Mark(ALLOWED[name]))

    def on_stack_global(self, _):
        name, module = self.stack.pop(), self.stack.pop()
        self.on_global(f"{module} {name}")

    def on_reduce(self, _):
        arguments, function = self.stack.pop(), self.stack.pop()
        what = function.what if isinstance(function, _Mark) else None
        if what == "reconstruct":
            self.stack.append(_Array())
        elif what == "dtype":
            self.stack.append(_Dtype(_text(arguments[0])))
        elif what == "encode" and arguments[1:] == ("latin1",):
            self.stack.append(arguments[0].encode("latin-1"))
        else:
            raise _Refused("it wants to call something")

    def on_build(self, _):
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Dtype):
            return
        if not isinstance(target, _Array):
            raise _Refused("it wants to set the state of something")
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, _Dtype) or dtype.code != "u1" or fortran:
            raise _Refused("its array does not hold unsigned bytes in C order")
        raw = raw.encode("latin-1") if isinstance(raw, str) else raw
        pixels = np.frombuffer(raw, np.uint8)
        if not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("array of negative size")
        target.content = pixels.reshape(shape)


def _python2_string(text):
    # pickletools hands these out decoded as latin-1. NOTE: pixels come this way too.
    return text if len(text) < 256 and text.isascii() else text.encode("latin-1")


def _entries(items):
    """Key, value, key, value, ... as a dictionary of plain keys."""
    if not all(isinstance(key, (str, bytes, int)) for key in items[::2]):
        raise ValueError("a key that is no string")
    return dict(zip(items[::2], items[1::2], strict=True))


def _plain(value):
    return value


_PUSH = {
    "EMPTY_DICT": lambda _: {}, "EMPTY_LIST": lambda _: [], "EMPTY_TUPLE": lambda _: (),
    "NONE": lambda _: None, "NEWTRUE": lambda _: True, "NEWFALSE": lambda _: False,
    "INT": _plain, "BININT": _plain, "BININT1": _plain, "BININT2": _plain,
    "LONG": _plain, "LONG1": _plain,
    "STRING": _python2_string, "SHORT_BINSTRING": _python2_string, "BINSTRING": _python2_string,
    "UNICODE": _plain, "BINUNICODE": _plain, "SHORT_BINUNICODE": _plain,
    "BINBYTES": _plain, "SHORT_BINBYTES": _plain, "BINBYTES8": _plain,
}
