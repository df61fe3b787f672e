"""Operands of one product, prepared in workspaces that are kept between calls.

Lingo as in product.py. Addresses are byte addresses of workspaces, valid until the next call.
"""

from typing import NamedTuple

from . import product_prepare, product_unfold
from .memory import record
from .product import run_tasks
from .product_sizes import spread, strides, window_fields

TILES = 4096  # bytes of a task for tiles at the edge of an array


class A(NamedTuple):
    """Rows by contraction: address, byte strides of rows, pixels and groups."""

    address: int
    row: int
    pixel: int
    group: int

    def moved(self, pixels):
        """The same with pixel 0 moved by some pixels."""
        return self._replace(address=self.address + pixels * self.pixel)


class B(NamedTuple):
    """Columns by contraction: addresses of words and offset sums, the number of panels of a
    group, byte strides of panels and segments."""

    address: int
    sums: int
    panels: int
    panel: int
    segment: int

    def moved(self, segments, sums_row):
        """The same with segment 0 moved by some segments."""
        return self._replace(
            address=self.address + segments * self.segment,
            sums=self.sums and self.sums + segments * sums_row,
        )


class Lines(NamedTuple):
    """What B is made from: address, element size, strides of segments, groups, k and c, and how
    many there are (k and c of one segment and group)."""

    address: int
    size: int
    segment: int
    group: int
    k_stride: int
    c_stride: int
    segments: int
    groups: int
    k: int
    c: int

    def fields(self):
        """As fields of a plan."""
        return dict(
            src=self.address, src_size=self.size, src_segment=self.segment,
            src_group=self.group, src_k=self.k_stride, src_c=self.c_stride,
            segments=self.segments, groups=self.groups, k=self.k, c=self.c)


class Operands:
    """Prepares A and B for a micro-kernel.

    Parameters
    ----------
    memory : Workspaces. ntask : tasks of a preparation.
    """

    def __init__(self, memory, ntask):
        self.memory, self.ntask = memory, ntask

    def _run(self, worker, **fields):
        work = self.memory.address("work", TILES * self.ntask)
        plan = record(product_prepare.PLAN, work=work, work_size=TILES, **fields)
        run_tasks(worker.address, plan.ctypes.data, self.ntask)

    def widened(self, micro, x, past, group):
        """A from x [pixel][pixel][image][channel]: its elements in the width of the kernel.

        past : bytes that the kernel reads beyond the end of a row. group : channels of one.
        x itself serves where it fits.
        """
        height, width, images, channels = x.shape
        row, group = channels * micro.size, group * micro.size
        exact = past == 0 and images % micro.rows[-1] == 0
        placed = micro.step_multiple == 1 or x.ctypes.data % 64 == 0
        if x.itemsize == micro.size and not micro.offset and exact and placed:
            return A(x.ctypes.data, row, images * row, group)
        pixel = spread(images * row, micro.rows[0] * row)
        size = height * width * pixel + micro.rows[-1] * row + past + 64
        a = self.memory.address("a", size)
        self._run(
            product_prepare.widen_worker, src=x.ctypes.data, src_size=x.itemsize, dst=a,
            dst_size=micro.size, dst_segment=pixel, segments=height * width,
            k=images * channels, flip=micro.offset)
        return A(a, row, pixel, group)

    def lined(self, micro, x, sizes, cut):
        """A with the images of a row of pixels apart, and its pixels in a row; x is A as widened.

        Pixels of A are those of one image: a row of the window starts at any of them.
        """
        axis = sizes.columns
        pixel = sizes.inputs * micro.size
        reach = (axis.outputs - 1) * axis.stride + axis.taps
        width = max(axis.padding + axis.inputs, reach) + -(-4 // pixel)
        line = sizes.images * width * pixel
        size = sizes.rows.inputs * line + micro.rows[-1] * width * pixel + cut.bytes + 64
        a = A(self.memory.address("unfolded", size), width * pixel, pixel, 0)
        self._run(
            product_unfold.line_worker, src=x.address, src_segment=x.pixel, src_k=x.row,
            segments=sizes.rows.inputs * axis.inputs, in_width=axis.inputs, k=sizes.images,
            c=pixel, dst=a.address, dst_segment=line, dst_row=a.row, flip=micro.offset,
            padding_w=axis.padding)
        return a

    def unfolded(self, micro, x, sizes, cut, first, last):
        """A of output pixels first..last with their taps side by side; x is A as widened."""
        row = cut.bytes
        pixel = sizes.images * sizes.groups * row
        size = (last - first) * pixel + micro.rows[-1] * sizes.groups * row + 64
        a = A(self.memory.address("unfolded", size), sizes.groups * row, pixel, row)
        self._run(
            product_unfold.unfold_worker, src=x.address, src_segment=x.pixel, src_k=x.row,
            src_group=x.group, k=sizes.images, c=x.group, groups=sizes.groups, dst=a.address,
            dst_segment=pixel, dst_row=row, flip=micro.offset, pixel_first=first,
            pixel_last=last, **window_fields(sizes))
        return a.moved(-first)

    def interleaved(self, micro, name, lines, cut):
        """B from rows of k with contiguous columns."""
        return self._panels(micro, name, lines, cut, product_prepare.interleave_worker)

    def transposed(self, micro, name, lines, cut):
        """B from rows of columns with contiguous k."""
        return self._panels(micro, name, lines, cut, product_prepare.transpose_worker)

    def _panels(self, micro, name, lines, cut, worker):
        panels = -(-lines.c // micro.columns)
        segments = lines.segments * cut.chunks
        count = lines.groups * panels * segments
        word_row = 4 * micro.columns
        address = self.memory.address(name, count * cut.steps * word_row)
        sums = self.memory.address(name + "_sums", count * word_row) if micro.offset else 0
        self._run(
            worker, **lines.fields(), dst=address, dst_size=micro.size, columns=micro.columns,
            panels=panels, chunks=cut.chunks, steps=cut.steps, offset_sums=sums)
        segment = cut.steps * word_row
        return B(address, sums, panels, segments * segment, segment)

    def turned(self, micro, x, sizes, part, image, top, bottom):
        """A of the gradient from rows top..bottom of x and `part.images` images."""
        steps = strides(x)
        width = sizes.columns.inputs
        size = (bottom - top) * width * part.x_pixel + part.slack
        group = sizes.group_inputs * part.row
        a = A(self.memory.address("a", size), part.row, part.x_pixel, group)
        self._run(
            product_prepare.turn_worker,
            src=x.ctypes.data + top * steps[0] + image * steps[2], src_size=x.itemsize,
            src_segment=steps[1], src_k=steps[2], segments=(bottom - top) * width,
            k=part.images, c=sizes.inputs, dst=a.address, dst_size=micro.size,
            flip=micro.offset, dst_segment=part.x_pixel, dst_row=part.row)
        return a.moved(-top * width)

    def unfolded_turned(self, micro, a, sizes, part, first, last):
        """A of the gradient of output pixels first..last with rows (group, kh, kw, i)."""
        size = (last - first) * part.a_pixel + part.slack
        group = part.rows * part.row
        out = A(self.memory.address("unfolded", size), part.row, part.a_pixel, group)
        self._run(
            product_unfold.unfold_turned_worker, src=a.address, src_segment=a.pixel,
            src_group=a.group, c=a.group, groups=sizes.groups, dst=out.address,
            dst_segment=out.pixel, dst_row=out.group, flip=micro.offset, pixel_first=first,
            pixel_last=last, **window_fields(sizes))
        return out.moved(-first)
