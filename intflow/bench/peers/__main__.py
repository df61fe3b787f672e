"""The process of a peer: answers until its stdin ends."""

from .answer import answer_questions
from .onnx_products import OnnxProduct
from .torch_products import TorchProduct
from .torch_step import TorchStep

answer_questions({
    "onnx_product": OnnxProduct, "torch_product": TorchProduct, "torch_step": TorchStep,
})
