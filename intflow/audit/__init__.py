"""The integer law, proven on a running step and on its compiled kernels."""
