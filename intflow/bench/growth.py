"""How a training step grows: with the batch, with the width, with threads. Ours alone."""

from dataclasses import replace

from ..errors import UsageError
from ..training.setup import parse_width
from .contest import Entrant, contest
from .step import settings_of

MODEL = "vgg7"
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
WIDTHS = ("1", "2", "4")
WIDTH_BATCH = 32            # images of the steps of several widths


def run(options, tell):
    """Rows {"of": "batch" or "width", "threads", "batch_size", "width", ...contest}."""
    model = (options.models or (MODEL,))[0]
    threads = options.all_threads or tuple(sorted({1, options.threads}))
    rows = []
    for count in threads:
        for batch in options.batches or BATCHES:
            rows.append(_row("batch", model, replace(options, threads=count), batch, tell))
        for width in options.widths or WIDTHS:
            wide = replace(options, threads=count, width=width)
            rows.append(_row("width", model, wide, options.batch_size or WIDTH_BATCH, tell))
    report = {"model": model, "rows": rows}
    if options.picture:
        draw(report, options.picture)
    return report


def _row(of, model, options, batch, tell):
    tell(f"growth {model}: batch {batch}, width {options.width}, {options.threads} threads")
    settings = settings_of(model, options, batch)
    entrant = Entrant("intflow", "step", {**settings, "backend": options.backend}, work=batch)
    return {"of": of, "threads": options.threads, "batch_size": batch, "width": options.width,
            **contest([entrant], options)["results"]["intflow"]}


def lines(report):
    """Images a second, and milliseconds."""
    for row in report["rows"]:
        yield (f"{report['model']} by {row['of']:5} threads {row['threads']}  batch "
               f"{row['batch_size']:3}  width {row['width']}  {row['rate']:8.1f} images/s  "
               f"{1e3 * row['seconds']:8.1f} ms")


def draw(report, path):
    """A picture of both curves, one line for each number of threads."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a picture takes matplotlib; pip install 'intflow[plots]', or leave "
                         "--picture out")
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, of, value in zip(figure.subplots(1, 2), ("batch", "width"), ("rate", "seconds")):
        for threads in sorted({row["threads"] for row in report["rows"]}):
            rows = [r for r in report["rows"] if (r["of"], r["threads"]) == (of, threads)]
            x = [r["batch_size"] if of == "batch" else float(parse_width(r["width"])) for r in rows]
            axes.plot(x, [r[value] for r in rows], marker="o", label=f"{threads} threads")
        axes.set(xlabel="images a batch" if of == "batch" else "width", xscale="log",
                 ylabel="images a second" if value == "rate" else "seconds a step")
        axes.set_xscale("log", base=2)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(f"{report['model']}, one training step")
    figure.savefig(path, dpi=120)
