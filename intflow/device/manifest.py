"""The attributes of a trace as JSON, for the forms of a trace that have none of their own."""

import json

from ..errors import TraceError


class Manifest:
    """Collects attributes; a subclass gives `store(name, codes, bits)` and `close()`.

    The JSON object has `attributes` (of the whole trace), `groups` {name: attributes} and
    `tensors` {name: attributes and shape}.
    """

    def __init__(self):
        self.attributes, self.groups, self.tensors = {}, {}, {}

    def group(self, name, attributes):
        """Set attributes of a group ("" is the trace itself)."""
        place = self.groups.setdefault(name, {}) if name else self.attributes
        place.update(attributes)

    def tensor(self, name, codes, attributes):
        """Write an integer array and remember its attributes."""
        self.store(name, codes, attributes["bits"])
        self.tensors[name] = {**attributes, "shape": list(codes.shape)}

    def to_json(self):
        return json.dumps(dict(attributes=self.attributes, groups=self.groups,
                               tensors=self.tensors), indent=1)


def read_manifest(text):
    """(attributes, groups, tensors) of a manifest; {} for what it leaves out.

    Raises
    ------
    TraceError : for what is no JSON object of objects.
    """
    try:
        whole = json.loads(text)
        attributes, groups, tensors = (
            whole.get(name, {}) for name in ("attributes", "groups", "tensors"))
        inner = (attributes, *groups.values(), *tensors.values())
        if all(isinstance(part, dict) for part in inner):
            return attributes, groups, tensors
    except (ValueError, AttributeError, RecursionError):
        pass
    raise TraceError("the manifest is no JSON object with attributes, groups and tensors; "
                     "write it as intflow trace does, or leave it out")
