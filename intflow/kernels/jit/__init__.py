"""The fast twin of kernels/reference: the same files and names, compiled by Numba.

Each function equals its reference bit for bit for values inside the declared widths; what an
integer means is said there. `ntask`, the last argument, is the number of parallel tasks; results
never depend on it. encode_images, resize_bilinear and random_u32 take none: they run on the
calling thread, beside parallel kernels of another.
"""
