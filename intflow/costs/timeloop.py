"""Products as timeloop reads them: one problem (version 0.4) for every product of a step.

All three products of a layer run over the same eight dimensions

    N images    G groups    C, M input and output channels of a group
    P, Q output rows, columns    R, S rows, columns of the window

and differ in which of the three tensors is the result. A timeloop architecture names its tensors
Inputs, Weights and Outputs, so the operands of a backward product take these names; a comment
says what they are. Pixels of the padding are part of the tensors, as timeloop has it.
"""

RANKS = {
    "activations": ("[[N]]", "[[G]]", "[[C]]", "[[R, Hdilation], [P, Hstride]]",
                    "[[S, Wdilation], [Q, Wstride]]"),
    "weights": ("[[G]]", "[[C]]", "[[M]]", "[[R]]", "[[S]]"),
    "sums": ("[[N]]", "[[G]]", "[[M]]", "[[P]]", "[[Q]]"),
}
# pass -> what Inputs, Weights and Outputs are: (ranks, meaning)
TENSORS = {
    "forward": (("activations", "activations"), ("weights", "weights"), ("sums", "sums")),
    "error": (("sums", "errors behind the layer"), ("weights", "weights"),
              ("activations", "errors before the layer")),
    "gradient": (("activations", "activations"), ("sums", "errors behind the layer"),
                 ("weights", "gradients")),
}


def problem_yaml(kind, sizes):
    """The text of a problem; kind is forward, error or gradient, sizes a Geometry."""
    lines = ["problem:", "  version: 0.4", "  shape:", f"    name: {kind}",
             "    dimensions: [N, G, C, M, P, Q, R, S]", "    coefficients:"]
    for name in ("Hstride", "Wstride", "Hdilation", "Wdilation"):
        lines += [f"      - name: {name}", "        default: 1"]
    lines.append("    data_spaces:")
    for name, (ranks, meaning) in zip(("Inputs", "Weights", "Outputs"), TENSORS[kind]):
        lines += [f"      - name: {name}    # {meaning}", "        projection:"]
        lines += [f"          - {rank}" for rank in RANKS[ranks]]
    lines += ["        read_write: True", "  instance:"]
    lines += [f"    {name}: {value}" for name, value in instance(sizes).items()]
    return "\n".join(lines) + "\n"


def instance(sizes):
    """{dimension or coefficient: number}; the product of the eight dimensions is the layer's count."""
    rows, columns = sizes.rows, sizes.columns
    return {
        "N": sizes.images, "G": sizes.groups, "C": sizes.group_inputs, "M": sizes.group_outputs,
        "P": rows.outputs, "Q": columns.outputs, "R": rows.taps, "S": columns.taps,
        "Hstride": rows.stride, "Wstride": columns.stride,
        "Hdilation": rows.dilation, "Wdilation": columns.dilation,
    }
