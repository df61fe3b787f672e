"""Which instructions compute with floating point: in LLVM IR, in x86 and in ARM assembly.

LLVM IR is the better witness: a value has a type there, so a float is a float wherever it is
loaded, stored, compared or converted. In assembly a register is bits, and compilers move integers
with instructions named for floats (movups, vxorps, shufps, fmov, ...), since those do the same to
the bits and some are a byte shorter. They are counted apart as *moves*; everything else that is
named for floats counts as floating point, known or not.
"""

import re

# Types, and the operations of LLVM IR between them; typed pointers (double*) are found as well.
IR_FLOAT = re.compile(
    r"\b(half|bfloat|float|double|x86_fp80|fp128|ppc_fp128)\b"
    r"|\b(fadd|fsub|fmul|fdiv|frem|fneg|fcmp|fptosi|fptoui|sitofp|uitofp|fpext|fptrunc)\b"
    r"|\bPyFloat_\w+|\bPyComplex_\w+"
)
IR_INSTRUCTION = re.compile(r"^\s+(%\S+ = )?(tail |musttail |notail )?[a-z]+\b")
NAMES = re.compile(r'c?"[^"]*"|;.*$|, !.*$')         # quoted names, comments, metadata

# x86. Suffixes say packed or scalar, half, single or double; p* and tdpb[su]* are vectors and
# tiles of integers.
X86_NAMED = re.compile(r"(?!v?p|tdpb[su]).*(ss|sd|ps|pd|sh|ph|bf16)$")
X86_MOVES = re.compile(
    r"v?("
    r"mov(a|u|h|l|nt|lh|hl|msk)?(ps|pd)|mov(ss|sd|sh)|mov(d|sh|sl)dup"      # load, store, copy
    r"|(and|andn|or|xor)(ps|pd)"                                            # bits
    r"|(shuf|unpckh|unpckl|blend|blendv|blendm|perm|permil|permi2|permt2|insert|extract|compress"
    r"|expand|maskmov|gather[dq]|scatter[dq])(ps|pd)|broadcast(ss|sd)"      # lanes
    r")$"
)
X86_FLOAT = re.compile(r"v?cvt|f[a-z]|tdp(bf|fp|hf|bhf|hbf)|tcmm|t?tmmultf")   # f...: the x87

ARM_MOVES = re.compile(r"fmov$")
ARM_FLOAT = re.compile(r"f[a-z]|[su]cvtf|bf(cvt|dot|ml[as]|mmla)|v(cvt|add|sub|mul|div)\.f|vfm")


def ir_floats(text):
    """(instructions, [the lines with a float]) of the functions defined in LLVM IR.

    Declarations, metadata and names do not count: only what a function does.

    Examples
    --------
    The line `%y = fadd double %x, 1.0` in a function is found, `declare double @f()` is not.
    """
    count, found, inside = 0, [], False
    for line in text.splitlines():
        if line.startswith("define "):
            inside = True
        if inside:
            bare = NAMES.sub("", line)
            count += bool(IR_INSTRUCTION.match(bare))
            if IR_FLOAT.search(bare):
                found.append(line.strip())
        if line.startswith("}"):
            inside = False
    return count, found


def assembly_floats(text, machine):
    """(instructions, moves, [the lines with a float]) of assembly.

    machine : "x86_64", "aarch64", ...; as `platform.machine` names it.
    """
    kind = arm_kind if machine.lower() in ("aarch64", "arm64") else x86_kind
    count, moves, found = 0, 0, []
    for line in text.splitlines():
        mnemonic = mnemonic_of(line)
        if mnemonic:
            what = kind(mnemonic)
            count += 1
            moves += what == "move"
            if what == "float":
                found.append(line.strip())
    return count, moves, found


def mnemonic_of(line):
    """The instruction of a line of assembly, without prefix; None for labels and directives."""
    words = line.split("#")[0].split()
    while words and words[0] in ("lock", "rep", "repe", "repne", "notrack"):
        words = words[1:]
    is_instruction = words and line[0].isspace() and words[0][0] not in ".#/"
    return words[0] if is_instruction and not words[0].endswith(":") else None


def x86_kind(mnemonic):
    """"float", "move" or "integer".

    Examples
    --------
    vaddps: float; vcvtsi2sd: float; fldl: float; vmovups: move; vpaddd, vpdpbusd, addl: integer.
    """
    if X86_MOVES.match(mnemonic):
        return "move"
    is_float = X86_FLOAT.match(mnemonic) or X86_NAMED.match(mnemonic)
    return "float" if is_float else "integer"


def arm_kind(mnemonic):
    """"float", "move" or "integer".

    Examples
    --------
    fadd: float; scvtf: float; fmov: move; add, sdot, bfi, saddlv: integer.
    """
    if ARM_MOVES.match(mnemonic):
        return "move"
    return "float" if ARM_FLOAT.match(mnemonic) else "integer"
