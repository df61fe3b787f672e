"""The step, the loop, checkpoints and metrics. Start reading at `step.py`."""

from .config import Config
from .counters import Counters
from .loop import Training
from .network import Network
from .recorder import Recorder
from .step import StepResult, training_step
from .trainer import Trainer

__all__ = ["Config", "Counters", "Network", "Recorder", "StepResult", "Trainer", "Training", "training_step"]
