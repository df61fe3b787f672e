"""Devices with a name, as TOML texts: start from one of them, or see how one is written.

    exact                 64-bit sums: the engine itself
    acc32-wrap            a plain 32-bit register, as most processors sum bytes
    acc24-wrap            a 24-bit register
    acc24-saturate        24 bits that clip when a sum is read out
    acc16-saturate-each   16 bits that clip after every product: order matters
    acc16-tile16          a MAC array of depth 16: exact inside a tile, 16 bits between tiles
    acc16-trap            16 bits that stop at the first overflow: to find how narrow is too narrow
    ap-fixed              ap_fixed's defaults, AP_TRN and AP_WRAP, in a 16-bit register
"""

PRESETS = {
    "exact": 'name = "exact"\n',
    "acc32-wrap": """
        name = "acc32-wrap"
        [accumulator]
        bits = 32
        overflow = "wrap"
    """,
    "acc24-wrap": """
        name = "acc24-wrap"
        [accumulator]
        bits = 24
        overflow = "wrap"
    """,
    "acc24-saturate": """
        name = "acc24-saturate"
        [accumulator]
        bits = 24
        overflow = "saturate"
    """,
    "acc16-saturate-each": """
        name = "acc16-saturate-each"
        [accumulator]
        bits = 16
        overflow = "saturate"
        check = "product"
    """,
    "acc16-tile16": """
        name = "acc16-tile16"
        [accumulator]
        bits = 16
        overflow = "saturate"
        check = "tile"
        tile = 16
    """,
    "acc16-trap": """
        name = "acc16-trap"
        [accumulator]
        bits = 16
        overflow = "trap"
        check = "product"
    """,
    "ap-fixed": """
        name = "ap-fixed"
        [accumulator]
        bits = 16
        overflow = "AP_WRAP"
        [rounding]
        weight = "AP_TRN"
        activation = "AP_TRN"
        error = "AP_TRN"
    """,
}
