"""Products as SCALE-Sim reads them: a CSV of matrix products, backward passes included.

SCALE-Sim's convolutions know neither batches, groups, padding nor backward passes; its matrix
products (`-i gemm`) do for all of them, and M * N * K of a line is exactly the layer's count.
With T taps, I and O channels of a group, P output pixels of all images:

    forward     M = P        N = O        K = T * I
    error       M = P        N = T * I    K = O         then sums over windows, which overlap
    gradient    M = T * I    N = O        K = P
"""

HEADER = "Layer,M,N,K,"


def matrix_products(products):
    """[(name, M, N, K)]; a line for each group.

    products : [(layer name, pass, Geometry)] as `product_sizes` gives them.
    """
    lines = []
    for name, kind, sizes in products:
        pixels = sizes.rows.outputs * sizes.columns.outputs * sizes.images
        inputs, outputs = sizes.taps * sizes.group_inputs, sizes.group_outputs
        shape = {"forward": (pixels, outputs, inputs), "error": (pixels, inputs, outputs),
                 "gradient": (inputs, outputs, pixels)}[kind]
        for group in range(sizes.groups):
            suffix = f"_g{group}" if sizes.groups > 1 else ""
            lines.append((f"{name}_{kind}{suffix}", *shape))
    return lines


def scale_sim_csv(products):
    """The text of a topology file."""
    lines = [",".join(map(str, line)) + "," for line in matrix_products(products)]
    return "\n".join([HEADER, *lines]) + "\n"
