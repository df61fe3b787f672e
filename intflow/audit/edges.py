"""The edges: where a float may be made, and nowhere else.

An edge is a line with the comment `# edge: reason`, or one of the attributes below that such a
line fills. Whatever else holds a float while a step runs fails the audit.
"""

import io
import linecache
import tokenize
from functools import cache

# (class, attribute) that reports live in -> why it is not part of the computation
REPORTS = {
    ("Run", "saturated"): "share of saturated activations, for metrics.jsonl",
    ("StepResult", "saturated"): "the same, on its way to the caller",
}

# What the audit does not read, and why.
OUTSIDE = {
    "Numba's thread pool": "compiled C++ of Numba that cuts the range of tasks among threads with "
                           "float quotients; it sees task numbers, never a value of the network",
}

MARK = "# edge:"


@cache
def edge_lines(path):
    """{line number: reason} of the edges of a source file; for a statement over several lines the
    mark stands on the line that makes the float."""
    source = "".join(linecache.getlines(path))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.split(MARK)[1].strip()
        for token in tokens
        if token.type == tokenize.COMMENT and MARK in token.string
    }


def is_report(value, part):
    """Whether `part` (such as ".saturated") of a value is an attribute that reports live in."""
    return (type(value).__name__, part.lstrip(".")) in REPORTS


def listed():
    """[{"edge", "reason"}] of everything above, for the report."""
    names = {f"{owner}.{attribute}": reason for (owner, attribute), reason in REPORTS.items()}
    return [dict(edge=name, reason=reason) for name, reason in {**names, **OUTSIDE}.items()]
