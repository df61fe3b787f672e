"""Micro-kernels: one block of a product, with its loops, in hand-written LLVM IR.

All have one contract (block.py), most the same loops (loops.py); which operands get which is said
in ../backends.py.

dot2.py           s16 pairs -> s32 in generic IR: any processor, any operands
dot2_vnni.py      s16 pairs -> s32, AVX512-VNNI; narrow blocks for at most 16 columns
dot2_wide.py      s16 pairs -> s64, where an s32 piece would hold only a few products: generic and
                  AVX512-VNNI
byte_pairs.py     u8 x small s8 -> s16 -> s32, AVX2: weights of up to 4 bits
byte_products.py  u8 x s8 -> s32, AVX2: activations that are never negative
dot4.py           u8 x s8 quads -> s32, AVX512-VNNI, with narrow blocks for at most 16 columns, and
                  AVX-VNNI
tiles.py          s8 x s8 tiles -> s32, AMX

popcount.py       bits x bits -> s32, with a contract of its own; popcount_native.py with AVX512
                  VPOPCNTDQ, popcount_generic.py with what LLVM makes of it elsewhere

A kernel is compiled when its address is first asked for (tiles and popcount: when its file is
imported), so nobody asks where the processor lacks its instructions. Those of VNNI and AMX come
native and emulated, in generic IR for tests.
"""
