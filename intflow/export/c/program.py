"""A step as a list of kernel calls on buffers that share static memory.

Lingo: a *buffer* is an array of one call or several; its *home* a place in the *pool* of its type,
which it shares with buffers that live at other times. One pool a type, so that every access in C
is to an array of its own type.
"""

import textwrap
from dataclasses import dataclass, field

from ...errors import ExportError

C_TYPES = {
    "s8": "int8_t", "s16": "int16_t", "s32": "int32_t", "s64": "int64_t",
    "u8": "uint8_t", "u16": "uint16_t",
}
TIMES = "\0*\0"
SIZES = {name: int(name[1:]) // 8 for name in C_TYPES}


def storage(bits):
    """The narrowest signed type of `bits` bits: 8 -> "s8", 17 -> "s32"."""
    return next(f"s{width}" for width in (8, 16, 32, 64) if bits <= width)


@dataclass(eq=False)
class Buffer:
    """An array in a pool.

    count : elements for a whole batch. takes : Buffer whose home this one takes over, where
    nobody needs the other after the call that fills this one.
    first, last : numbers of the calls between which it is needed.
    """

    name: str
    type: str
    count: int
    takes: object = None
    first: int = None
    last: int = None
    offset: int = 0

    def __str__(self):
        return self.name


@dataclass
class Program:
    """Calls in order, and what they need.

    images : int; the largest batch.
    training : bool; whether anything is kept for a way back.
    error_bits, master_limit : of the scheme's slots E and G.
    layers : {kind: (forward, backward)}, see layers.py.
    windows, shapes : {C name: numbers} of the constants that the calls point to.
    """

    images: int
    training: bool
    error_bits: int
    master_limit: int
    layers: dict
    lines: list = field(default_factory=list)
    buffers: list = field(default_factory=list)
    kernels: set = field(default_factory=set)
    windows: dict = field(default_factory=dict)
    shapes: dict = field(default_factory=dict)
    formats: int = 0
    time: int = 0

    def buffer(self, name, kind, per_image=0, fixed=0, takes=None):
        """A new array of per_image elements for every image, or of a fixed number."""
        taken = {buffer.name for buffer in self.buffers}
        unique = next(n for n in (name, *(f"{name}_{i}" for i in range(2, 999))) if n not in taken)
        self.buffers.append(Buffer(unique, kind, per_image * self.images + fixed, takes))
        return self.buffers[-1]

    def kept(self, name, kind, per_image):
        """A buffer for the way back: NULL where there is none."""
        return self.buffer(name, kind, per_image) if self.training else "NULL"

    def call(self, kernel, types, *arguments, before="", after=";"):
        """Emit before + kernel(arguments) + after; `types` are those its template is for."""
        self.kernels.add((kernel, tuple(types)))
        for buffer in arguments:
            if isinstance(buffer, Buffer):
                buffer.first = self.time if buffer.first is None else buffer.first
                buffer.last = self.time
        self.time += 1
        name = "_".join([f"intflow_{kernel}", *types])
        self.line(f"{before}{name}({', '.join(map(str, arguments))}){after}")

    def line(self, text):
        """Emit a statement, folded to the page; `n * 512` stays in one line."""
        folded = textwrap.wrap(text.replace(" * ", TIMES), 96, initial_indent=" " * 4,
                               subsequent_indent=" " * 8, break_long_words=False,
                               break_on_hyphens=False)
        self.lines += [line.replace(TIMES, " * ") for line in folded]

    def format(self, expression):
        """A name for the run-time format that `expression` gives."""
        name = self.next_format()
        self.line(f"{name} = {expression};")
        return name

    def next_format(self):
        """The next unused name of a run-time format."""
        self.formats += 1
        return f"format[{self.formats - 1}]"

    def forward(self, layer, x):
        """(y, saved) of any layer."""
        return self._pair(layer)[0](self, layer, x)

    def backward(self, layer, e, saved):
        """The error below any layer, or None where nobody needs it."""
        return self._pair(layer)[1](self, layer, e, saved)

    def _pair(self, layer):
        if layer.kind not in self.layers:
            raise ExportError(f"{layer.name}: {layer.kind} has no C kernel; export a net of "
                              f"{', '.join(self.layers)}")
        return self.layers[layer.kind]

    def plan(self):
        """Give every buffer its home; returns {type: elements of the pool}."""
        used = [buffer for buffer in self.buffers if buffer.first is not None]
        homes = _homes(used)
        pools = {}
        placed = []
        for home in sorted(homes, key=lambda h: (-h[0].count, h[1], h[0].name)):
            buffer, first, last, members = home
            offset = _gap(buffer, first, last, placed)
            placed.append((buffer.type, first, last, offset, offset + buffer.count))
            for member in members:
                member.offset = offset
            pools[buffer.type] = max(pools.get(buffer.type, 0), offset + buffer.count)
        return pools


def _homes(buffers):
    """[[buffer, first, last, members]]: takers put together with those they take over."""
    homes = {}
    for buffer in buffers:
        other = homes.get(buffer.takes)
        fits = other and other[0].type == buffer.type and other[0].count == buffer.count
        if fits and other[2] == buffer.first:
            other[2], homes[buffer] = buffer.last, other
            other[3].append(buffer)
        else:
            homes[buffer] = [buffer, buffer.first, buffer.last, [buffer]]
    return list({id(home): home for home in homes.values()}.values())


def _gap(buffer, first, last, placed):
    """Lowest offset at which the buffer meets nothing that lives at the same time."""
    offset = 0
    busy = sorted((start, stop) for kind, a, b, start, stop in placed
                  if kind == buffer.type and a <= last and first <= b)
    for start, stop in busy:
        if start - offset >= buffer.count:
            break
        offset = max(offset, stop)
    return offset
