"""C kernels out of templates: one copy for every set of types that a program calls.

A template file is C. A line `@for x y@` begins a function (with its static helpers) that is
written once for each set of types: `x_t` becomes the type of x, and a function's name that ends in
`_x_y` gets the types' names instead. What stands above the first such line is written once.
"""

import re
from pathlib import Path

from ...losses.softmax import TABLE
from .program import C_TYPES

TEMPLATES = Path(__file__).parent / "templates"
FILES = ("arithmetic", "random", "digest", "elementwise", "requantize", "conv", "linear", "pool",
         "sums", "loss", "update")
FUNCTION = re.compile(r"^(?!static)[a-z]\w* \*?(intflow_\w+)\([^{;]*\)(?=\n\{)", re.MULTILINE)


def template(name):
    """The text of a file in `templates/`."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def fill(text, values):
    """The text with every @NAME@ replaced."""
    return re.sub(r"@([A-Z_]+)@", lambda match: str(values[match.group(1)]), text)


def make_kernels(calls):
    """(intflow_kernels.c, intflow_kernels.h) with what `calls` need.

    calls : {(kernel, types)}, as `Program.kernels`.
    """
    parts = [_parts(name) for name in FILES]
    wanted = _closure(parts, calls)
    body = "\n".join(text for once, typed in parts for text in [once, *_copies(typed, wanted)])
    source = (
        "/* Integer kernels, each for the types that this network uses. */\n\n"
        '#include "intflow_kernels.h"\n\n' + body
    )
    prototypes = "\n".join(match.group(0) + ";" for match in FUNCTION.finditer(source)
                           if match.group(1) != "intflow_make_rate")
    return source, fill(template("kernels.h"), {"PROTOTYPES": prototypes})


def _parts(name):
    """(text written once, [(letters, text)]) of a template file."""
    text = fill(template(f"kernels/{name}.c"), {"POWERS": _powers()})
    once, *rest = re.split(r"^@for ([a-z ]+)@\n", text, flags=re.MULTILINE)
    typed = zip(rest[::2], rest[1::2])
    return once.rstrip() + "\n", [
        (tuple(letters.split()), body.rstrip() + "\n") for letters, body in typed
    ]


def _powers():
    rows = [TABLE[i:i + 12] for i in range(0, len(TABLE), 12)]
    return "\n".join("    " + " ".join(f"{v}," for v in row) for row in rows)


def _instance(letters, types, body):
    """The text of one template for one set of types."""
    names = dict(zip(letters, types))

    def function(match):
        suffix = match.group(2)[1:].split("_")
        return "_".join([match.group(1), *(names[letter] for letter in suffix)])

    letter = "[" + "".join(letters) + "]"
    body = re.sub(rf"\b([a-z]\w*?)((?:_{letter})+)(?=\()", function, body)
    return re.sub(rf"\b({letter})_t\b", lambda match: C_TYPES[names[match.group(1)]], body)


def _kernel_names(letters, body):
    """Names of the public functions of a template, without the letters of its types."""
    tail = "_" + "_".join(letters)
    names = (match.group(1) for match in FUNCTION.finditer(body))
    return [name[len("intflow_"):-len(tail)] for name in names if name.endswith(tail)]


def _closure(parts, calls):
    """The calls, and what their kernels call in turn."""
    templates = {kernel: (letters, body) for _, typed in parts for letters, body in typed
                 for kernel in _kernel_names(letters, body)}
    wanted, waiting = set(), sorted(calls)
    while waiting:
        kernel, types = call = waiting.pop()
        if call in wanted or kernel not in templates:
            continue
        wanted.add(call)
        letters, body = templates[kernel]
        for name in re.findall(r"\bintflow_(\w+)\(", _instance(letters, types, body)):
            base, kinds = _split(name)
            waiting.append((base, kinds))
    return wanted


def _split(name):
    """max_abs_s32 -> ("max_abs", ("s32",))"""
    words = name.split("_")
    kinds = [word for word in words if word in C_TYPES]
    return "_".join(words[:len(words) - len(kinds)]), tuple(kinds)


def _copies(typed, wanted):
    """Every template of a file for every set of types wanted of it."""
    for letters, body in typed:
        kernels = _kernel_names(letters, body)
        for types in sorted({types for kernel, types in wanted if kernel in kernels}):
            yield _instance(letters, types, body)
