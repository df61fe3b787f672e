"""Epochs: batches in, metrics and checkpoints out; stops and resumes on any step, bit for bit."""

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..data import batches
from ..errors import OverflowStop, OverflowTrap, UsageError
from .checkpoint import read_checkpoint
from .config import read_config
from .counters import Counters, report
from .evaluate import evaluate
from .interrupt import Interrupt
from .metrics import append_line, keep_epochs
from .progress import Progress
from .schedule import rate_at
from .setup import prepare

SAVE_SECONDS = 60


class Training:
    """A run and its folder: config.toml, metrics.jsonl, checkpoint.h5, best.h5.

    Parameters
    ----------
    config : Config
    out : folder of the run.
    reporter : object told `started`, `stepped`, `evaluating`, `epoch_done`, each with this object.
    save_every : steps between checkpoints; 0 saves once a minute.
    fail_on_overflow : stop at the first accumulator that overflows.
    """

    def __init__(self, config, out, reporter, save_every=0, fail_on_overflow=False):
        self.setup = prepare(config)
        self.out, self.reporter, self.save_every = Path(out), reporter, save_every
        self.fail_on_overflow = fail_on_overflow
        self.progress = Progress()
        self.trainer = self.setup.trainer
        self.batches_per_epoch = len(self.setup.dataset.train) // self.setup.config.batch_size

    @classmethod
    def start(cls, config, out, reporter, save_every=0, fail_on_overflow=False):
        """A new run; a folder that already holds one is refused."""
        out = Path(out)
        if (out / "checkpoint.h5").exists() or (out / "metrics.jsonl").exists():
            raise UsageError(f"{out} already holds a run; continue it with --resume {out}, or choose "
                             "another --out")
        training = cls(config, out, reporter, save_every, fail_on_overflow)
        training._write_config()
        return training

    @classmethod
    def resume(cls, out, changes, reporter, save_every=0, fail_on_overflow=False):
        """The run in `out`, where its last checkpoint left it; `changes` are Config fields."""
        path = Path(out) / "checkpoint.h5"
        config = replace(read_config(read_checkpoint(path)[0], path), **changes)
        training = cls(config, out, reporter, save_every, fail_on_overflow)
        attributes = training.trainer.load(path)
        training.progress = Progress.stored(attributes)
        keep_epochs(training.out / "metrics.jsonl", training.progress.epoch)
        training._write_config()
        return training

    def run(self):
        """Train to the end. True when done, False when interrupted; either way all is saved.

        Raises
        ------
        OverflowStop : with fail_on_overflow; the step is dropped and the state before it saved.
        OverflowTrap : the same, where the device itself traps.
        """
        self.reporter.started(self)
        try:
            with Interrupt() as interrupt:
                while self.progress.epoch < self.setup.config.epochs and not self._at_step_limit():
                    if not self._epoch(interrupt):
                        self.save()
                        return False
            return True
        except OverflowTrap:
            self.save()             # no weight has moved since the last whole step
            raise
        except OverflowStop as error:
            self.save()
            raise OverflowStop(f"{error}; saved, go on with: intflow train --resume {self.out}")

    def _epoch(self, interrupt):
        setup, config, progress = self.setup, self.setup.config, self.progress
        self.trainer.rate = rate_at(progress.epoch, Fraction(config.lr), setup.schedule)
        started = saved = time.monotonic()
        before = progress.images
        stream = batches(
            setup.dataset.train, config.batch_size, setup.input_shape, config.augment, config.seed,
            progress.epoch, progress.batch, self.trainer.kernels.threads, self.trainer.kernels,
        )
        try:
            for batch in stream:
                progress.add(self._step(batch))
                self.reporter.stepped(self)
                if self._at_step_limit():
                    break
                if interrupt.asked:
                    return False
                if self._save_is_due(saved):
                    self.save()
                    saved = time.monotonic()
        finally:
            stream.close()
        self._finish_epoch(time.monotonic() - started, progress.images - before)
        return True

    def _step(self, batch):
        counters = Counters(self.fail_on_overflow) if self.setup.config.counters else None
        return self.trainer.step(
            batch.images, batch.labels, measure=self._is_last(), counters=counters
        )

    def _finish_epoch(self, seconds, images):
        setup, progress = self.setup, self.progress
        self.reporter.evaluating(self)
        test = evaluate(self.trainer, setup.dataset.test, setup.config.augment)
        record = {
            "epoch": progress.epoch + 1,
            "step": self.trainer.steps,
            "lr": str(self.trainer.rate),
            "train_loss": progress.mean_loss(),
            "train_error": progress.wrong / max(1, progress.images),
            "test_loss": test["loss"],
            "test_error": test["test_error"],
            **({"top5_error": test["top5_error"]} if "top5_error" in test else {}),
            "images_per_second": round(images / max(seconds, 1e-9), 1),
            "seconds": round(seconds, 2),
            "saturated": progress.saturated,
            **({"counters": report(progress.counters)} if progress.counters else {}),
            "digest": self.trainer.digest(),
        }
        is_best = progress.best < 0 or test["wrong"] < progress.best
        best = test["wrong"] if is_best else progress.best
        if progress.batch == self.batches_per_epoch:
            self.progress = Progress(progress.epoch + 1, best=best)
        # else the step limit came first: a resumed run goes on inside this epoch.
        if is_best:
            self.save("best.h5")
        append_line(self.out / "metrics.jsonl", record)
        self.save()
        self.reporter.epoch_done(self, record)

    def save(self, name="checkpoint.h5"):
        """Write a checkpoint of this moment; the one before stays until this one is whole."""
        dataset = self.setup.dataset
        attributes = {
            "config": self.setup.config.to_toml(),
            "class_names": "\n".join(dataset.classes),
            "input_shape": ",".join(map(str, self.setup.input_shape)),
            "encoding": dataset.encoding,
            **self.progress.to_attributes(),
        }
        self.trainer.save(self.out / name, **attributes)

    def _write_config(self):
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            path = self.out / "config.toml"
            path.write_text(self.setup.config.to_toml(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write into {self.out}: {error.strerror}; choose another --out")

    def _at_step_limit(self):
        limit = self.setup.config.max_steps
        return bool(limit) and self.trainer.steps >= limit

    def _is_last(self):
        """Whether the next step ends the epoch or the run."""
        limit = self.setup.config.max_steps
        return self.progress.batch + 1 == self.batches_per_epoch or self.trainer.steps + 1 == limit

    def _save_is_due(self, saved):
        if self.save_every:
            return self.progress.batch % self.save_every == 0
        return time.monotonic() - saved > SAVE_SECONDS
