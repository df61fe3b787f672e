"""A trained network for other programs: C, hex memories, ONNX, safetensors."""
