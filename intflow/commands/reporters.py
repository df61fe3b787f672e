"""What a person sees of a run: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import time
from contextlib import suppress

import click


def make_reporter(quiet):
    """The reporter that fits stderr."""
    if quiet:
        return Quiet()
    return Bar() if sys.stderr is not None and sys.stderr.isatty() else Lines()


class Quiet:
    """Says nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def say(self, text):
        pass

    def compiling(self, name):
        pass

    def started(self, training):
        pass

    def stepped(self, training):
        pass

    def evaluating(self, training):
        pass

    def epoch_done(self, training, record):
        pass

    def finished(self, training):
        pass


class Lines(Quiet):
    """A line at the start, one every half minute, one an epoch."""

    EVERY = 30

    def say(self, text):
        # A log on a full disk, or a reader that left, is no reason to lose a training.
        with suppress(OSError, ValueError):
            click.echo(text, err=True)

    def started(self, training):
        for line in opening(training):
            self.say(line)
        self.last = time.monotonic()
        self.speed = Speed(training)

    def stepped(self, training):
        self.speed.stepped(training)
        if time.monotonic() - self.last > self.EVERY:
            self.last = time.monotonic()
            done, total = training.progress.batch, training.batches_per_epoch
            self.say(f"epoch {training.progress.epoch + 1}, step {done}/{total}: "
                     f"{state(training)}, {self.speed}")

    def epoch_done(self, training, record):
        self.say(epoch_line(record))

    def finished(self, training):
        from .counter_tables import run_tables

        for line in run_tables(training):
            self.say(line)
        self.say(f"done; run folder {training.out}")


class Bar(Lines):
    """A bar with loss, error, images/s and time left; a line an epoch above it. Before there is
    one, a line that says what is being compiled, as it is once for every processor and version."""

    status = progress = None

    def compiling(self, name):
        text = f"compiling {name}"
        if self.progress:
            self.progress.update(self.task, state=text)
        elif self.status:
            self.status.update(text)
        else:
            from rich.console import Console

            self.status = Console(stderr=True).status(text)
            self.status.start()

    def started(self, training):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._end_status()
        self.console = Console(stderr=True, highlight=False)
        for line in opening(training):
            self.console.print(line, markup=False)
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"), TimeRemainingColumn(compact=True),
            console=self.console, transient=True,
        )
        self.progress.start()
        self.task = self.progress.add_task("", total=training.batches_per_epoch, state="starting")
        self.speed = Speed(training)

    def stepped(self, training):
        self.speed.stepped(training)
        progress, epochs = training.progress, training.setup.config.epochs
        self.progress.update(
            self.task, description=f"epoch {progress.epoch + 1}/{epochs}", completed=progress.batch,
            state=f"{state(training)}, {self.speed}",
        )

    def evaluating(self, training):
        self.progress.update(self.task, state="testing")

    def epoch_done(self, training, record):
        self.console.print(epoch_line(record), markup=False)
        self.progress.reset(self.task, total=training.batches_per_epoch, state="")

    def _end_status(self):
        if self.status:
            self.status.stop()

    def __exit__(self, *_):
        self._end_status()
        if self.progress:
            self.progress.stop()


class Speed:
    """Images or tokens a second over the last steps."""

    SPAN = 20

    def __init__(self, training):
        self.marks = []
        network = training.trainer.network
        self.batch = training.setup.config.batch_size * network.input.steps
        self.unit = "tokens/s" if network.reads_text else "images/s"

    def stepped(self, training):
        self.marks = [*self.marks[-self.SPAN:], time.monotonic()]

    def __str__(self):
        if len(self.marks) < 2:
            return f"- {self.unit}"
        seconds = self.marks[-1] - self.marks[0]
        return f"{self.batch * (len(self.marks) - 1) / max(seconds, 1e-9):.0f} {self.unit}"


def opening(training):
    """What is about to be trained, on what."""
    config, data = training.setup.config, training.setup.dataset
    network = training.trainer.network
    yield (f"{config.model} {config.bits} ({config.scheme}), {network.count_weights():,} weights, "
           f"backend {training.trainer.kernels.backend}, {workers(training)}")
    sample = "; a sample that comes with intflow, --data names others" if data.is_sample else ""
    unit = "tokens" if network.reads_text else "images"
    yield f"{data.title}: {len(data.train):,} training and {len(data.test):,} test {unit}{sample}"
    if data.note:
        yield f"note: {data.note}"
    for note in training.notes:
        yield f"note: {note}"
    for warning in training.trainer.scheme.warnings():
        yield f"warning: {warning}"
    if training.trainer.steps:
        yield f"resuming at step {training.trainer.steps}"


def workers(training):
    """Threads, and of how many workers."""
    threads = f"{training.trainer.kernels.threads} threads"
    size = training.group.size
    return threads if size == 1 else f"{size} workers of {threads}"


def state(training):
    """Loss and error of the epoch so far."""
    progress = training.progress
    error = progress.wrong / max(1, progress.images)
    return f"loss {progress.mean_loss():.4f}, error {100 * error:.2f} %"


def epoch_line(record):
    """One line of metrics.jsonl for people."""
    top5 = f" (top-5 {100 * record['top5_error']:.2f} %)" if "top5_error" in record else ""
    text = f"perplexity {record['perplexity']:.2f} (test), " if "perplexity" in record else ""
    return (f"epoch {record['epoch']}: loss {record['train_loss']:.4f}, train error "
            f"{100 * record['train_error']:.2f} %, test error {100 * record['test_error']:.2f} %{top5}, "
            f"{text}{record['images_per_second']:.0f} {'tokens' if text else 'images'}/s, "
            f"digest {record['digest'][:16]}")
