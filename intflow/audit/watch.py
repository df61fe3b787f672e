"""The run-time audit: every Python value of a step, looked at while it runs.

Python's tracer calls back at every line of every function of intflow that the step enters. What is
looked at: arguments when a function is called; before every line the locals that changed, and all
of them at its end; what it returns; the constants and true divisions in its code; the arguments and
results of every kernel.

A float that no local, argument or result ever holds is made by a constant, by a division, or by a
function of NumPy; the last kind is for the rule on float names in tests/test_architecture.py.
"""

import dis
import sys
from collections import Counter
from pathlib import Path

from .edges import edge_lines
from .floats import find_float, float_type

PACKAGE = Path(__file__).resolve().parent.parent
UNWATCHED = PACKAGE / "audit"
MANY_LINES = 20_000     # lines of a function; a loop that runs more is looked at when it ends


class Watch:
    """A `with` block in which floats are found.

    Parameters
    ----------
    extra : files outside intflow whose functions are watched too.

    Attributes
    ----------
    finding : {"function", "variable", "type", "file", "line"} of the first float, or None.
    functions : names of the functions that ran.
    values : int; variables looked at.
    edges : {"file:line": reason} of the edges that ran.
    """

    def __init__(self, extra=()):
        self.extra = {str(Path(path).resolve()) for path in extra}
        self.finding, self.functions, self.values, self.edges = None, set(), 0, {}
        self._codes, self._seen, self._lines = {}, {}, Counter()

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    # ------------------------------------------------------------------ events
    def _call(self, frame, event, argument):
        """A function is entered: watch it, if it is ours."""
        if self.finding or not self._is_watched(frame.f_code):
            return None
        self.functions.add(function_name(frame))
        self._look_at_code(frame)
        self._look(frame, frame.f_locals)
        return self._inside

    def _inside(self, frame, event, argument):
        """A line is about to run, or the function ends."""
        variables = frame.f_locals
        if self.finding is None and event == "line":
            seen = self._seen.get(frame, {})
            self._look(frame, {k: v for k, v in variables.items() if seen.get(k, seen) is not v})
            self._seen[frame] = dict(variables)         # held, so that no identity is used again
            self._note_edge(frame)
            self._lines[frame.f_code] += 1
            frame.f_trace_lines = self._lines[frame.f_code] < MANY_LINES
        if event == "return":
            self._seen.pop(frame, None)
            if self.finding is None:
                self._look(frame, {**variables, "the result": argument})
        return self._inside

    # ------------------------------------------------------------------ looking
    def _is_watched(self, code):
        if code not in self._codes:
            path = Path(code.co_filename)
            inside = PACKAGE in path.parents and UNWATCHED not in path.parents
            self._codes[code] = inside or code.co_filename in self.extra
        return self._codes[code]

    def _look(self, frame, variables):
        for name, value in variables.items():
            self.values += 1
            found = find_float(value, name)
            if found:
                self._found(frame, *found)
                return

    def _look_at_code(self, frame):
        """Constants and divisions that make floats which no variable may ever hold."""
        edges = edge_lines(frame.f_code.co_filename)
        for line, what, kind in float_code(frame.f_code):
            if line not in edges:
                self._found(frame, what, kind, line)
                return

    def _note_edge(self, frame):
        path, line = frame.f_code.co_filename, frame.f_lineno
        reason = edge_lines(path).get(line)
        if reason:
            self.edges[f"{short(path)}:{line}"] = reason

    def _found(self, frame, variable, kind, line=None):
        if self.finding is None:
            self.finding = dict(
                function=function_name(frame), variable=variable, type=kind,
                file=short(frame.f_code.co_filename), line=line or frame.f_lineno)

    # ------------------------------------------------------------------ kernels
    def kernel(self, name, function):
        """The kernel with its arguments and its result looked at."""
        def watched(*arguments, **keywords):
            self._look_at_kernel(name, {**dict(enumerate(arguments)), **keywords})
            result = function(*arguments, **keywords)
            self._look_at_kernel(name, {"the result": result, **dict(enumerate(arguments))})
            return result

        return watched

    def _look_at_kernel(self, name, values):
        self.functions.add(f"kernels.{name}")
        for key, value in values.items():
            self.values += 1
            variable = f"argument {key}" if isinstance(key, int) else key
            found = find_float(value, variable)
            if found and self.finding is None:
                self.finding = dict(function=f"kernels.{name}", variable=found[0], type=found[1],
                                    file="", line=0)


class WatchedKernels:
    """Kernels whose every call is looked at; stands where a Network keeps its kernels."""

    def __init__(self, kernels, watch):
        self._kernels, self._watch = kernels, watch

    def __getattr__(self, name):
        value = getattr(self._kernels, name)
        return self._watch.kernel(name, value) if callable(value) else value


def float_code(code):
    """Every (line, what, kind) of the instructions that make a float in a code object."""
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = getattr(instruction, "line_number", None) or instruction.starts_line or line
        kind = instruction.opname == "LOAD_CONST" and find_constant(instruction.argval)
        if kind:
            yield line, f"the constant {instruction.argval!r}", kind
        if instruction.opname == "BINARY_OP" and instruction.argrepr in ("/", "/="):
            yield line, "a true division", "float"


def find_constant(value):
    """The type of a float among the constants of a code object (tuples are opened), or None."""
    found = find_float(value, "") if isinstance(value, (tuple, frozenset)) else None
    return found[1] if found else float_type(value)


def function_name(frame):
    """Module and name of a frame's function, without the package."""
    module = frame.f_globals.get("__name__", "?")
    return f"{module.removeprefix('intflow.')}.{frame.f_code.co_qualname}"


def short(path):
    """A source file's path from the package on."""
    path = Path(path)
    return str(path.relative_to(PACKAGE.parent)) if PACKAGE in path.parents else str(path)
