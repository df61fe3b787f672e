"""One product of the engine, checked and timed; what `gemm` and `conv` have in common."""

import numpy as np

from ..errors import BenchError
from ..kernels import load
from .contest import Entrant, contest, ratios
from .options import ALL, backends
from .peaks import INSTRUCTION

KERNEL = {face: f"conv2d_{face}" for face in ("forward", "error", "gradient")}
CHECKED = 4                 # images and channels of a slice that the reference computes
TORCH = {"torch fp32": "fp32", "torch bf16": "bf16", "torch int8": "int8"}


class Product:
    """One product again and again.

    Parameters
    ----------
    face : "forward", "error" or "gradient".
    sizes : as `describe` gives them; w_max : the largest |weight|.
    backend, threads : as `kernels.load`.

    Raises
    ------
    BenchError : a slice that differs from the reference kernel's.
    """

    def __init__(self, face, sizes, w_max, backend, threads, kernels=None):
        self.kernels = kernels or load(backend, threads)
        self.face = face
        self.window = {name: sizes[name] for name in ("groups",)}
        self.window |= {name: tuple(sizes[name]) for name in ("stride", "padding", "dilation")}
        rng = np.random.default_rng(1)
        x, w, y = (_in_memory_order(sizes[name], kind) for name, kind in
                   (("x", "pixels"), ("w", "taps"), ("y", "pixels")))
        self.x, self.e = (rng.integers(-127, 128, shape, np.int8) for shape in (x, y))
        self.w = rng.integers(-w_max, w_max + 1, w, np.int8)
        self.hint = {} if face == "gradient" else {"w_max": w_max}
        self.out = np.zeros({"forward": y, "error": x, "gradient": w}[face], np.int32)
        self.run()
        self.check()

    def about(self):
        return {"backend": self.kernels.backend, "checked": "slices equal the reference kernel's"}

    def run(self):
        self._run(self.kernels, self.out, *self._operands())

    def check(self):
        """Compare slices with the reference: whole sums of some images, of the first and last
        channels and some between. The gradient adds over all images, so it has slices of channels
        alone. With groups every channel is taken."""
        images, inputs, outputs = (_some(n) for n in (self.x.shape[2], self.x.shape[3],
                                                      self.e.shape[3]))
        if self.window["groups"] > 1:
            inputs, outputs = slice(None), slice(None)
        x, w, e = self.x, self.w, self.e
        if self.face == "forward":
            operands, got = (x[:, :, images], w[..., outputs]), self.out[:, :, images][..., outputs]
        elif self.face == "error":
            operands, got = (e[:, :, images], w[:, :, inputs]), self.out[:, :, images][..., inputs]
        else:
            operands, got = (x[..., inputs], e[..., outputs]), self.out[:, :, inputs][..., outputs]
        expected = np.empty(got.shape, np.int32)
        self._run(load("reference"), expected, *operands)
        if not np.array_equal(expected, got):
            place = np.argwhere(expected != got)[0].tolist()
            raise BenchError(
                f"{KERNEL[self.face]} of {self.kernels.backend} gives {got[tuple(place)]} where "
                f"the reference gives {expected[tuple(place)]}, at {place} of the slice; nothing "
                "is timed")

    def _operands(self):
        return {"forward": (self.x, self.w), "error": (self.e, self.w),
                "gradient": (self.x, self.e)}[self.face]

    def _run(self, kernels, out, *operands):
        getattr(kernels, KERNEL[self.face])(out, *operands, **self.window, **self.hint)


def describe(geometry):
    """A kernels.geometry.Geometry in the axes of other engines, ready for JSON."""
    rows, columns = geometry.rows, geometry.columns
    return {
        "x": [geometry.images, geometry.inputs, rows.inputs, columns.inputs],
        "w": [geometry.outputs, geometry.group_inputs, rows.taps, columns.taps],
        "y": [geometry.images, geometry.outputs, rows.outputs, columns.outputs],
        "stride": [rows.stride, columns.stride], "dilation": [rows.dilation, columns.dilation],
        "padding": [*_padding(rows), *_padding(columns)], "groups": geometry.groups,
    }


def _padding(axis):
    """(before, after), the second just as large as the last window needs."""
    end = (axis.outputs - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1
    return axis.padding, max(0, end - axis.inputs - axis.padding)


def _in_memory_order(shape, kind):
    order = (2, 3, 0, 1) if kind == "pixels" else (2, 3, 1, 0)
    return tuple(shape[axis] for axis in order)


def _some(n):
    """Indices of the first, the last and some between."""
    return sorted({0, n - 1, *(n * i // CHECKED for i in range(1, CHECKED))})


def race(label, faces, sizes, macs, w_max, options, team):
    """{"case", "faces": {face: contest with shares of the peak and ratios}} of one shape.

    faces : some of KERNEL. macs : products of one call. team : the processes.
    """
    row = {"case": label, "macs": macs, "faces": {}}
    for face in faces:
        ours = _ours(options)
        entrants = [Entrant(f"intflow {name}", "product", dict(
            face=face, sizes=sizes, w_max=w_max, backend=name, threads=options.threads), work=macs)
            for name in ours]
        entrants += _peaks(ours, options)
        if options.peers:
            entrants += _peers(face, sizes, macs, options)
        report = contest(entrants, options, team=team)
        add_shares(report, ours)
        peers = [e.name for e in entrants if e.is_peer]
        report["ratios"] = {f"intflow {name}": ratios(report["results"], f"intflow {name}", peers)
                            for name in ours}
        row["faces"][face] = report
    return row


def _ours(options):
    """The backend asked for, or with "all" every one."""
    return backends() if options.backend == ALL else [options.backend]


def _peaks(ours, options):
    """One entrant for each instruction of these backends; its work is told by the task."""
    instructions = sorted({INSTRUCTION[name] for name in ours if name in INSTRUCTION})
    return [Entrant(f"peak {name}", "peak", dict(instruction=name, threads=options.threads))
            for name in instructions]


def _peers(face, sizes, macs, options):
    """Those that have this product: int8 is for matrices, ONNX Runtime infers."""
    settings = dict(face=face, sizes=sizes, threads=options.threads)
    is_matrix = sizes["x"][2:] == sizes["w"][2:] == [1, 1]
    for name, kind in TORCH.items():
        if kind != "int8" or (is_matrix and face == "forward"):
            yield Entrant(name, "torch_product", {**settings, "kind": kind}, True, macs)
    if face == "forward":
        yield Entrant("onnxruntime u8s8", "onnx_product",
                      dict(sizes=sizes, threads=options.threads), True, macs)


def add_shares(report, ours):
    """Tell how much of its instruction's peak each backend reaches: of neighbours in time."""
    results = report["results"]
    for name, peak in ((n, results.get(f"peak {INSTRUCTION.get(n)}")) for n in ours):
        if peak:
            peak["rate"] = peak["products"] / peak["seconds"]
            result = results[f"intflow {name}"]
            result["share_of_peak"] = result["rate"] / peak["rate"]


def lines(report):
    """A table: GMAC/s of everyone, share of the peak, ratios."""
    for row in report["rows"]:
        for face, found in row["faces"].items():
            yield f"{row['case']} {face}"
            for name, result in found["results"].items():
                yield "    " + _line(name, result, found["ratios"])
    yield from told_absent(row for case in report["rows"] for row in case["faces"].values())


def _line(name, result, ratio_of):
    text = (f"{name:18} {result['rate'] / 1e9:9.1f} GMAC/s  "
            f"{1e3 * result['seconds']:9.3f} ms ({1e3 * result['least']:.3f} to "
            f"{1e3 * result['most']:.3f})")
    if "share_of_peak" in result:
        text += f"  {100 * result['share_of_peak']:.0f} % of the peak"
    for other, found in ratio_of.get(name, {}).items():
        text += f"  {found['median']:.2f}x {other}"
    return text


def told_absent(contests):
    """One line for each engine that did not take part, and why."""
    seen = {}
    for found in contests:
        for name, why in found["absent"].items():
            seen.setdefault(name, why)
    for name, why in seen.items():
        yield f"absent: {name}: {why}"
