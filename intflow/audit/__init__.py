"""The audit: a training step of any model, scheme and backend computes with integers alone.

    run time       floats.py  what a float is       watch.py  every Python value of the step
    compile time   instructions.py  what a floating-point instruction is
                   compiled.py      every function Numba compiled, its LLVM IR and assembly
    exceptions     edges.py         the places that may make a float, each with a reason
    together       step.py  one audited step        child.py  a process whose code is all fresh

A function that Numba loads from its cache has machine code and no IR, so an audit runs in a child
process with an empty cache; `audit` in child.py starts it.
"""
