"""Other engines on the same shapes, each in a process and perhaps an interpreter of its own.

The interpreter of a peer has PyTorch or ONNX Runtime and need not have intflow, NumPy apart; so
nothing here imports anything of intflow outside this folder. Questions come on stdin (answer.py).
"""
