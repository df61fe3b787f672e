"""Dataset and Split: what training sees of a data set."""

from dataclasses import dataclass

from .sources import as_dataset_errors


class Split:
    """Images and labels of one part of a data set.

    `labels` int64 (N,); `shape` (C, H, W) of an image; `in_memory` False when images are
    read from disk as they are asked for. Of a text, `tokens` s32 (N + 1,), else None; its labels are
    the tokens behind the first N.
    """

    def __init__(self, images):
        self._images = images
        self.labels, self.shape, self.in_memory = images.labels, images.shape, images.in_memory
        self.tokens = getattr(images, "tokens", None)

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """Images by index.

        Parameters
        ----------
        indices : (n,) integers in [0, N), any order, repeats allowed.
        threads : pictures decoded side by side; changes no bit.

        Returns
        -------
        u8 (n, C, H, W), a copy.
        """
        with as_dataset_errors():
            return self._images.read(indices, threads)


@dataclass(frozen=True)
class Dataset:
    """A data set that has been opened.

    Attributes
    ----------
    name, title : str
    classes : tuple of str; label k is classes[k].
    shape : (C, H, W) of an image.
    train, test : Split
    is_sample : bool; True for the small sample that is shipped.
    encoding : "unit" or "symmetric", see `encode.py`; "tokens" of a text.
    origin : str; the file or folder it was read from.
    note : str; what a user should know, or "".
    licence : str
    valid : Split or None; what a run is watched with, where the test shall stay unseen.
    """

    name: str
    title: str
    classes: tuple
    shape: tuple
    train: Split
    test: Split
    is_sample: bool
    encoding: str
    origin: str = ""
    note: str = ""
    licence: str = ""
    valid: Split = None

    @classmethod
    def of(cls, source):
        """A Dataset around a `datasets` Source."""
        return cls(
            source.name, source.title, source.classes, source.shape, Split(source.train),
            Split(source.test), source.is_sample, source.encoding, source.origin, source.note,
            source.licence, Split(source.valid) if hasattr(source, "valid") else None,
        )
