"""A fixed-point device under the engine: accumulators, rounding, random source, trace, verify."""
