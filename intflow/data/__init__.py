"""Data: named sets and paths to batches of bytes.

`open_dataset` (catalogue.py) finds and opens, `batches` (batches.py) makes what a step takes,
`encode_table` (encode.py) says which activation a byte becomes, `Preprocessing` what a published
network expects of an image. The formats themselves are read by `intflow.datasets`, which knows
nothing of this engine.
"""

from .augment import RULES
from .batches import Batch, batches, epoch_order, evaluation_batches, steps_per_epoch
from .catalogue import cache_folder, data_folders, open_dataset, reading
from .dataset import Dataset, Split
from .encode import encode_table, symmetric_table, unit_table
from .picture import read_picture
from .preprocessing import Preprocessing

__all__ = [
    "RULES", "Batch", "Dataset", "Preprocessing", "Split", "batches", "cache_folder",
    "data_folders", "encode_table", "epoch_order", "evaluation_batches", "open_dataset", "read_picture",
    "reading", "steps_per_epoch", "symmetric_table", "unit_table",
]
