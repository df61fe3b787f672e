"""The definition of every kernel: exact integers, range-checked, written for reading.

primitives.py    exact rounding, range checks       conv.py      the three products
random.py        the random stream (Philox)         pool.py      max and average pooling
requantize.py    wide to narrow                     reduce.py    max |x|, sums, counts
elementwise.py   ReLU, masks, aligned sums          update.py    the stochastic update
encode.py        images to codes, resizing           channels.py  one factor and term a channel
lrn.py           local response normalisation        bitwise*.py  signs and masks in words, products
shift_products.py  products of powers of two by shifts: a definition, beside the kernels

`kernels/jit` has the same files and names and equals these bit for bit. Here a value outside its
declared width raises RangeError and sizes that disagree raise ShapeError; there the caller is
trusted. Outputs come first and are overwritten.
"""
