"""Pickles read without running them.

A pickle is a program for a small stack machine; Python's own loader lets it import and call
anything. This reader knows only the instructions below, and builds None, bool, int, float, str,
list, tuple and dict. What else a file names must stand in the table `known`, which says what
takes its place; any other name is refused, and so is setting the state of an object.
"""

import pickletools


class Refused(Exception):
    """The file asks for something that no file of weights needs."""


class Unpickler:
    """A reader of one or more pickles.

    Parameters
    ----------
    known : {"module name": what stands for it}; a function is called when the file calls the
        name, with the file's arguments, and has to distrust them.
    persistent : function (id) -> object, for what lies outside the pickle; None refuses.
    """

    def __init__(self, known=None, persistent=None):
        self.known, self.persistent = known or {}, persistent
        self.stack, self.memo = [], {}

    def load(self, stream):
        """The object that the next pickle of a binary stream describes.

        Raises
        ------
        Refused : a name, an instruction or a call that is not allowed.
        ValueError, IndexError, KeyError, TypeError, ... : a damaged pickle.
        """
        self.stack, self.memo = [], {}
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return self.stack.pop()
            if opcode.name in PUSHED:
                self.stack.append(PUSHED[opcode.name](argument))
            elif opcode.name in STEPS:
                STEPS[opcode.name](self, argument)
            elif opcode.name not in ("PROTO", "FRAME"):
                raise Refused(f"it uses the pickle instruction {opcode.name}")
        raise ValueError("no end")

    def to_mark(self):
        """Pop everything above the topmost mark, and the mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not MARK:
            at -= 1
        items = self.stack[at + 1:]
        del self.stack[at:]
        return items

    def remember(self, index):
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index):
        self.stack.append(self.memo[index])

    def pack(self, count):
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def set_items(self, items):
        top(self.stack, dict).update(entries(items))

    def extend(self, items):
        top(self.stack, list).extend(items)

    def name(self, text):
        if text not in self.known:
            raise Refused(f"it asks for {text.replace(' ', '.')[:80]}, which is not loaded")
        self.stack.append(Named(self.known[text]))

    def call(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Named) or not callable(function.stands_for):
            raise Refused("it calls what is no function")
        if not isinstance(arguments, tuple):
            raise ValueError("a call without arguments")
        self.stack.append(function.stands_for(*arguments))

    def build(self):
        # Attributes of a dictionary (PyTorch's `_metadata`) are of no use here.
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise Refused("it sets the state of an object")

    def outside(self):
        if self.persistent is None:
            raise Refused("it refers to data outside")
        self.stack.append(self.persistent(self.stack.pop()))


class Named:
    """A name that the file used, and what stands for it."""

    def __init__(self, stands_for):
        self.stands_for = stands_for


MARK = object()


def top(stack, kind):
    """The topmost item of a stack, which must be a list or a dict as the instruction says."""
    if type(stack[-1]) is not kind:
        raise ValueError(f"a {type(stack[-1]).__name__} where a {kind.__name__} belongs")
    return stack[-1]


def entries(items):
    """Key, value, key, value, ... as a dictionary with plain keys.

    Other keys (tuples in tuples) could take for ever to be compared.
    """
    if not all(isinstance(key, (str, int)) for key in items[::2]):
        raise ValueError("a key that is neither a string nor an integer")
    return dict(zip(items[::2], items[1::2], strict=True))


def _plain(value):
    return value


PUSHED = {
    "MARK": lambda _: MARK,
    "EMPTY_DICT": lambda _: {}, "EMPTY_LIST": lambda _: [], "EMPTY_TUPLE": lambda _: (),
    "NONE": lambda _: None, "NEWTRUE": lambda _: True, "NEWFALSE": lambda _: False,
    "INT": _plain, "BININT": _plain, "BININT1": _plain, "BININT2": _plain,
    "LONG": _plain, "LONG1": _plain, "LONG4": _plain, "FLOAT": _plain, "BINFLOAT": _plain,
    "STRING": _plain, "SHORT_BINSTRING": _plain, "BINSTRING": _plain,
    "UNICODE": _plain, "BINUNICODE": _plain, "SHORT_BINUNICODE": _plain, "BINUNICODE8": _plain,
}
STEPS = {
    "PUT": Unpickler.remember, "BINPUT": Unpickler.remember, "LONG_BINPUT": Unpickler.remember,
    "MEMOIZE": Unpickler.remember,
    "GET": Unpickler.recall, "BINGET": Unpickler.recall, "LONG_BINGET": Unpickler.recall,
    "TUPLE": lambda self, _: self.stack.append(tuple(self.to_mark())),
    "TUPLE1": lambda self, _: self.pack(1), "TUPLE2": lambda self, _: self.pack(2),
    "TUPLE3": lambda self, _: self.pack(3),
    "LIST": lambda self, _: self.stack.append(self.to_mark()),
    "DICT": lambda self, _: self.stack.append(entries(self.to_mark())),
    "APPEND": lambda self, _: self.extend([self.stack.pop()]),
    "APPENDS": lambda self, _: self.extend(self.to_mark()),
    "SETITEM": lambda self, _: self.set_items([self.stack.pop(-2), self.stack.pop()]),
    "SETITEMS": lambda self, _: self.set_items(self.to_mark()),
    "GLOBAL": Unpickler.name,
    "STACK_GLOBAL": lambda self, _: self.name(" ".join([self.stack.pop(-2), self.stack.pop()])),
    "REDUCE": lambda self, _: self.call(),
    "BUILD": lambda self, _: self.build(),
    "BINPERSID": lambda self, _: self.outside(),
}
