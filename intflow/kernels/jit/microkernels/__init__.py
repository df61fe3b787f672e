"""Micro-kernels: one block of a product, with its loops, in hand-written LLVM IR.

All have one contract (`block.py`); a backend is a choice of them (`../backends.py`).

dot2.py         s16 pairs -> s32 in generic IR: any processor        portable, everyone's s16
dot2_wide.py    s16 pairs -> s64, for sums that no s32 piece holds   everyone
byte_pairs.py   u8 x small s8 -> s16 -> s32, AVX2                    avx2
dot4.py         u8 x s8 quads -> s32, AVX512-VNNI                    vnni
tiles.py        s8 x s8 tiles -> s32, AMX                            amx
"""
