"""The process of this engine: answers until its stdin ends."""

from .elementwise import Pass
from .inputs import Feeding, Reading
from .memory import StepMemory
from .peaks import Peak
from .peers.answer import answer_questions
from .products import Product
from .step import Step

if __name__ == "__main__":
    answer_questions({
        "peak": Peak, "product": Product, "step": Step, "pass": Pass, "memory": StepMemory,
        "feeding": Feeding, "reading": Reading,
    })
