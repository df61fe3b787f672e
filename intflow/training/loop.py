"""Epochs: batches in, metrics and checkpoints out; stops and resumes on any step, bit for bit."""

import time
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from .. import __version__
from ..data import batches, steps_per_epoch
from ..errors import CheckpointError, OverflowStop, OverflowTrap, UsageError
from ..group import ALONE
from .config import read_config
from .counters import Counters, report
from .drift import drift
from .evaluate import TEXT_FIGURES, evaluate
from .formats import formats_of
from .interrupt import Clock, Interrupt
from .metrics import append_line, keep_epochs, lines_sum, write_whole
from .progress import Progress
from .recovery import notes, read_resumable, refuse_used, resume_point
from .schedule import rate_at
from .setup import make_trainer, prepare, rule_of

SAVE_SECONDS = 60
START = "start.h5"          # of a run from published weights: the network before the first step


class Training:
    """A run and its folder: config.toml, metrics.jsonl, checkpoint.h5, best.h5; start.h5 where the
    run began from published weights.

    Parameters
    ----------
    config : Config
    out : folder of the run.
    reporter : object told `started`, `stepped`, `evaluating`, `epoch_done`, each with this object.
    save_every : steps between checkpoints; 0 saves once a minute.
    fail_on_overflow : stop at the first accumulator that overflows.
    group : the workers that train together; worker 0 alone writes.
    max_time : seconds from here after which the run is saved and left; None for no limit.
    make : who makes the Trainer, as of `prepare`: a conversion of published weights, for one.

    Attributes
    ----------
    notes : lines about what a resumed run found changed in its folder.
    out_of_time : True after `run` has stopped because of `max_time`.
    """

    def __init__(self, config, out, reporter, save_every=0, fail_on_overflow=False, group=ALONE,
                 max_time=None, make=None):
        self.clock, self.out_of_time, self.notes = Clock(max_time), False, []
        self.setup, self.group = prepare(config, group, make), group
        self.out, self.reporter, self.save_every = Path(out), reporter, save_every
        self.fail_on_overflow = fail_on_overflow
        self.progress = Progress()
        self.trainer = self.setup.trainer

    @classmethod
    def start(cls, config, out, reporter, save_every=0, fail_on_overflow=False, group=ALONE,
              max_time=None, make=None):
        """A new run; a folder that already holds one is refused."""
        out = Path(out)
        if group.rank == 0:
            refuse_used(out)
        training = cls(config, out, reporter, save_every, fail_on_overflow, group, max_time, make)
        training._write_config()
        if config.weights:
            training.save(START)
        return training

    @classmethod
    def resume(cls, run, changes, reporter, save_every=0, fail_on_overflow=False, group=ALONE,
               max_time=None):
        """A run where its last checkpoint left it.

        run : its folder; or a checkpoint in it, such as RUN/best.h5, to go on from that one.
        changes : Config fields.
        """
        out, path = resume_point(run)
        attributes = read_resumable(path)[0]
        config = replace(read_config(attributes, path), **changes)
        make = partial(make_trainer, formats=formats_of(attributes, path))
        training = cls(config, out, reporter, save_every, fail_on_overflow, group, max_time, make)
        attributes = training.trainer.load(path)
        training.progress = Progress.stored(attributes)
        training.notes = notes(out, attributes) if group.rank == 0 else []
        if group.rank == 0:
            keep_epochs(training.out / "metrics.jsonl", training.progress.epoch)
        training._write_config()
        return training

    @property
    def batches_per_epoch(self):
        """Of the epoch that the run stands in."""
        size = self.setup.batch_size_at(self.progress.epoch)
        return steps_per_epoch(self.setup.dataset.train, size, self.setup.input_shape)

    def run(self):
        """Train to the end. True when done, False when interrupted; either way all is saved.

        Raises
        ------
        OverflowStop : with fail_on_overflow; the step is dropped and the state before it saved.
        OverflowTrap : the same, where the device itself traps.
        """
        self.group.agree(self._identity())
        self.reporter.started(self)
        try:
            with Interrupt() as interrupt:
                while self.progress.epoch < self.setup.config.epochs and not self._at_step_limit():
                    if not self._epoch(interrupt):
                        self.save()
                        self.out_of_time = not self.group.any(interrupt.asked)
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
        if not progress.batch:
            self.trainer.network.forget()
        stream = batches(
            setup.dataset.train, setup.batch_size_at(progress.epoch), setup.input_shape,
            rule_of(config), config.seed,
            progress.epoch, progress.batch, self.trainer.kernels.threads, self.trainer.kernels,
            self.group.share(setup.batch_size_at(progress.epoch)),
        )
        self._count_traffic()
        try:
            for batch in stream:
                progress.add(self._step(batch))
                self.reporter.stepped(self)
                if self._at_step_limit():
                    break
                if self.group.any(self._is_to_stop(interrupt)):
                    return False
                if self._save_is_due(saved):
                    self.save()
                    saved = time.monotonic()
        finally:
            stream.close()
        return self._finish_epoch(time.monotonic() - started, progress.images - before, interrupt)

    def _is_to_stop(self, interrupt):
        return interrupt.asked or self.clock.is_up()

    def _step(self, batch):
        counters = Counters(self.fail_on_overflow) if self.setup.config.counters else None
        return self.trainer.step(
            batch.images, batch.labels, measure=self._is_last(), counters=counters,
            whole=self.setup.batch_size_at(self.progress.epoch),
        )

    def _finish_epoch(self, seconds, images, interrupt):
        """Test, record, save. False when asked to stop before: a resumed run then tests anew."""
        setup, progress = self.setup, self.progress
        exchanged = self._count_traffic()
        self.reporter.evaluating(self)
        stop = partial(self._is_to_stop, interrupt) if self.group.size == 1 else None
        test = evaluate(self.trainer, setup.dataset.test, rule_of(setup.config), stop=stop)
        if test is None:
            return False
        watched = self._watched(test)
        record = {
            "epoch": progress.epoch + 1,
            "step": self.trainer.steps,
            "lr": str(self.trainer.rate),
            "train_loss": progress.mean_loss(),
            "train_error": progress.wrong / max(1, progress.images),
            "test_loss": test["loss"],
            "test_error": test["test_error"],
            **{name: test[name] for name in ("top5_error", *TEXT_FIGURES) if name in test},
            **({"valid_perplexity": watched["perplexity"]} if setup.dataset.valid else {}),
            "images_per_second": round(images / max(seconds, 1e-9), 1),
            "seconds": round(seconds, 2),
            "saturated": progress.saturated,
            **self._drift(),
            **({"counters": report(progress.counters)} if progress.counters else {}),
            **({"workers": self.group.size, "exchanged": exchanged} if exchanged else {}),
            "digest": self.trainer.digest(),
        }
        if self.group.rank == 0:
            self._append(record)
        is_best = progress.best < 0 or watched["wrong"] < progress.best
        best = watched["wrong"] if is_best else progress.best
        if progress.batch == self.batches_per_epoch:
            self.progress = Progress(progress.epoch + 1, best=best)
        # else the step limit came first: a resumed run goes on inside this epoch.
        if is_best:
            self.save("best.h5")
        self.save()
        self.reporter.epoch_done(self, record)
        return True

    def _append(self, record):
        """The line of an epoch; without it the run stops where a resumed one tests and writes again."""
        try:
            append_line(self.out / "metrics.jsonl", record)
        except CheckpointError:
            self.save()
            raise

    def _watched(self, test):
        """What the best checkpoint is chosen by: the validation part where there is one."""
        valid = self.setup.dataset.valid
        return evaluate(self.trainer, valid, rule_of(self.setup.config)) if valid else test

    def save(self, name="checkpoint.h5"):
        """Write a checkpoint of this moment; the one before stays until this one is whole."""
        if self.group.rank:
            return                      # all workers are in the same state
        dataset = self.setup.dataset
        attributes = {
            "config": self.setup.config.to_toml(),
            "class_names": "\n".join(dataset.classes),
            "input_shape": ",".join(map(str, self.setup.input_shape)),
            "encoding": self.trainer.encoder.name,
            "metrics": lines_sum(self.out / "metrics.jsonl", self.progress.epoch),
            **self.progress.to_attributes(),
        }
        self.trainer.save(self.out / name, **attributes)

    def _identity(self):
        """What all workers of the run must have alike, as text."""
        config = replace(self.setup.config, threads=0, backend="", data_dir="")
        data = self.setup.dataset
        return "\n".join([__version__, config.to_toml(), data.title, str(len(data.train)),
                          str(len(data.test)), str(self.progress), self.trainer.digest()])

    def _count_traffic(self):
        """What this worker has exchanged since it was last asked; {} where it is alone."""
        traffic = self.group.traffic
        return traffic.taken() if traffic else {}
    def _drift(self):
        """How far a run that began from published weights has come from them, for the report."""
        start = self.out / START
        return {"drift": drift(self.trainer, start)} if start.exists() else {}

    def _write_config(self):
        if self.group.rank:
            return
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write into {self.out}: {error.strerror}; choose another --out")
        write_whole(self.out / "config.toml", self.setup.config.to_toml())

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
