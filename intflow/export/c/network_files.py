"""The generated C files: network.c, training.c, network.h, intflow_net.h."""

from ...formats import format_name
from ...random_streams import PURPOSES
from .kernels import fill, template
from .values import weight_name
from .program import C_TYPES, SIZES, storage

STEP_BYTES = 4


def master_type(parameter):
    """Type of a stored weight."""
    return storage(parameter.master.format.bits)


def state_bytes(parameters):
    """Weights and the step counter."""
    return STEP_BYTES + sum(SIZES[master_type(p)] * p.master.codes.size for p in parameters)


def pool_bytes(pools):
    """Bytes of all pools."""
    return sum(SIZES[kind] * count for kind, count in pools.items())


def joined(first, second):
    """Pools that serve two programs, one after the other."""
    kinds = sorted({*first, *second})
    return {kind: max(first.get(kind, 0), second.get(kind, 0)) for kind in kinds}


def public_header(export):
    """intflow_net.h: sizes, memory need, the functions."""
    channels, height, width = export.trainer.network.input_shape
    output = export.inference.output
    return fill(template("intflow_net.h"), {
        "TITLE": export.title, "BATCH": export.batch_size, "CHANNELS": channels, "HEIGHT": height,
        "WIDTH": width, "IMAGE_BYTES": channels * height * width, "CLASSES": output.size,
        "OUTPUT_FRAC_BITS": output.format.frac_bits, "OUTPUT_TYPE": C_TYPES[output.type],
        "STATE_BYTES": state_bytes(export.parameters),
        "INFERENCE_BYTES": pool_bytes(export.inference.pools),
        "TRAINING_BYTES": pool_bytes(export.pools),
    })


def network_header(export):
    """network.h: what network.c and training.c share."""
    lines = ["/* Inside the network: pools and tables that its two files share. */", "",
             "#ifndef INTFLOW_NETWORK_H", "#define INTFLOW_NETWORK_H", "",
             '#include "intflow_kernels.h"', '#include "weights.h"', "",
             "/* Elements of the pools that all tensors live in, one pool a type. */",
             "#ifdef INTFLOW_INFERENCE_ONLY"]
    lines += _pool_sizes(export.inference.pools) + ["#else"] + _pool_sizes(export.pools)
    lines += ["#endif", ""]
    for kind in export.pools:
        lines += _in_training(export, kind, f"extern {_pool(kind)};")
    lines += ["", f"extern const {_table_type(export)} intflow_encode_table[256];"]
    lines += [f"extern const intflow_window {name};" for name in export.training.program.windows]
    return "\n".join([*lines, "", "#endif", ""])


def network_source(export):
    """network.c: pools, tables, prediction, digest."""
    step = export.inference
    lines = ["/* Inference and the digest of the state. */", "", '#include "network.h"', ""]
    for kind in export.pools:
        lines += _in_training(export, kind, f"{_pool(kind)};")
    lines += ["", *_tables(export), "", *_memory_map(step), ""]
    lines += _function("static void forward(const uint8_t *images, size_t n)", step.forward)
    lines += _predict(step) + _first_largest(step) + _digest(export)
    return "\n".join(lines)


def training_source(export):
    """training.c: the step; nothing at all where only inference is wanted."""
    step, trainer = export.training, export.trainer
    p, q, h = trainer.scheme.check_rate(export.rate)
    lines = ["/* The training step: forward, loss, backward, update. */", "",
             '#include "network.h"', "", "#ifndef INTFLOW_INFERENCE_ONLY", "",
             f"const intflow_rate intflow_default_rate = {{{p}, {q}, {h}}};", ""]
    lines += [f"static const intflow_shape {name} = {{{_numbers(numbers)}}};"
              for name, numbers in step.program.shapes.items()]
    lines += ["", *_memory_map(step), ""]
    lines += _function("static void forward(const uint8_t *images, size_t n)", step.forward)
    lines += _backward(step, trainer)
    most = max(0, min(trainer.scheme.master_bits, 31) - 2)      # as Wage.check_rate
    lines.append(fill(template("train_step.c"), {"MOST": most}))
    return "\n".join(lines) + "\n#endif\n"


def _pool(kind):
    return f"{C_TYPES[kind]} intflow_pool_{kind}[INTFLOW_POOL_{kind.upper()}]"


def _pool_sizes(pools):
    ordered = sorted(pools.items())
    return [f"#define INTFLOW_POOL_{kind.upper()} {count}" for kind, count in ordered]


def _in_training(export, kind, line):
    """The line, left out of inference where that has no such pool."""
    if kind in export.inference.pools:
        return [line]
    return ["#ifndef INTFLOW_INFERENCE_ONLY", line, "#endif"]


def _table_type(export):
    return C_TYPES[storage(export.trainer.encoder.format.bits)]


def _numbers(values):
    return ", ".join(map(str, values))


def _tables(export):
    codes = export.trainer.encoder.table.tolist()
    lines = ["/* Code of each pixel value. */",
             f"const {_table_type(export)} intflow_encode_table[256] = {{"]
    lines += [f"    {_numbers(codes[i:i + 12])}," for i in range(0, 256, 12)] + ["};"]
    windows = export.training.program.windows
    if windows:
        lines += ["", "/* Input, output (channels, height, width); kernel, stride, top and left",
                  " * zeros, dilation; groups. */"]
    return lines + [f"const intflow_window {name} = {{\n    {_numbers(numbers)}\n}};"
                    for name, numbers in windows.items()]


def _memory_map(step):
    """Where every tensor lives; those of one place live at different times."""
    lines = ["/* Tensors, for a whole batch. */"]
    for b in step.program.buffers:
        if b.first is not None:
            lines.append(f"#define {b.name} (intflow_pool_{b.type} + {b.offset})".ljust(60)
                         + f" /* {b.count} */")
    return lines


def _function(head, body):
    """A C function; it declares `sum` where its body plans one."""
    plans = any(line.startswith("    sum = ") for line in body)
    return [head, "{", *(["    intflow_sum sum;"] if plans else []), *body, "}", ""]


def _backward(step, trainer):
    head = ("static int backward(const int32_t *labels, size_t n, intflow_rate rate,\n"
            "                    intflow_result *result)")
    purpose = PURPOSES["update"]
    return _function(head, [
        f"    intflow_format format[{step.program.formats}];", "    intflow_stream stream;",
        f"    stream.seed = UINT64_C({trainer.network.seed});",
        f"    stream.purpose = {purpose};", "    stream.step = intflow_step;",
        *step.backward, "    return INTFLOW_OK;",
    ])


def _predict(step):
    y = step.output
    return [
        "int intflow_predict(intflow_output *outputs, const uint8_t *images, int32_t count)", "{",
        "    size_t n = (size_t)count, i;", "    if (count < 1 || count > INTFLOW_BATCH)",
        "        return INTFLOW_BAD_COUNT;", "    forward(images, n);",
        f"    for (i = 0; i < {y.count}; i++)", f"        outputs[i] = {y.buffer}[i];",
        "    return INTFLOW_OK;", "}", "",
    ]


def _first_largest(step):
    function = f"intflow_first_largest_{step.output.type}"
    return ["int32_t intflow_class(const intflow_output *outputs)", "{",
            f"    return {function}(outputs, INTFLOW_CLASSES);", "}", ""]


def _digest(export):
    """The bytes that `training.digest.state_digest` hashes, in its order."""
    lines = ["void intflow_digest(uint8_t digest[32])", "{", "    intflow_sha256 sha;",
             "    intflow_sha256_start(&sha);",
             '    intflow_sha256_text(&sha, "intflow state 1\\nstep ");',
             "    intflow_sha256_decimal(&sha, intflow_step);",
             '    intflow_sha256_text(&sha, "\\n");']
    for p in export.parameters:
        fmt, logical = p.master.format, p.master.logical()
        head = f"{p.name} {format_name(fmt)} {logical.dtype.itemsize} {logical.shape}\\n"
        codes = f"intflow_sha256_codes_{master_type(p)}"
        lines += [f'    intflow_sha256_text(&sha, "{head}");',
                  f"    {codes}(&sha, {weight_name(p)}, {logical.size});"]
    return [*lines, "    intflow_sha256_finish(&sha, digest);", "}", ""]
