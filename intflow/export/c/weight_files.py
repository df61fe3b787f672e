"""weights.c and weights.h: the state that training changes, as it was at export."""

import numpy as np

from .values import weight_name
from .network_files import master_type
from .program import C_TYPES

A_LINE = 16


def weights_header(export):
    """Declarations of all weights and the step counter."""
    lines = ["/* The state: stored weights (O, I, KH, KW) or (O, I), and the steps done. */", "",
             "#ifndef INTFLOW_WEIGHTS_H", "#define INTFLOW_WEIGHTS_H", "",
             "#include <stdint.h>", "",
             "/* Without training the state never changes, and may stay in read-only memory. */",
             "#ifdef INTFLOW_INFERENCE_ONLY", "#define INTFLOW_STATE const", "#else",
             "#define INTFLOW_STATE", "#endif", ""]
    for p in export.parameters:
        lines.append(f"/* {_describe(p)} */")
        lines.append(f"extern INTFLOW_STATE {_declaration(p)};")
    lines += ["", "extern INTFLOW_STATE uint32_t intflow_step;", "", "#endif", ""]
    return "\n".join(lines)


def write_weights(path, export):
    """weights.c, a line at a time: large nets have many."""
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write(f'/* Weights at step {export.trainer.steps}. */\n\n#include "weights.h"\n\n')
        file.write(f"INTFLOW_STATE uint32_t intflow_step = {export.trainer.steps};\n")
        for p in export.parameters:
            file.write(f"\nINTFLOW_STATE {_declaration(p)} = {{\n")
            codes = np.ravel(p.master.logical())
            for i in range(0, codes.size, A_LINE):
                file.write("    " + ", ".join(map(str, codes[i:i + A_LINE].tolist())) + ",\n")
            file.write("};\n")


def _declaration(p):
    return f"{C_TYPES[master_type(p)]} {weight_name(p)}[{p.master.codes.size}]"


def _describe(p):
    axes = " x ".join(f"{size} {axis}" for axis, size in
                      zip(p.master.logical_axes, p.master.logical().shape))
    return f"{axes}; value = code * 2**-{p.master.format.frac_bits}"
