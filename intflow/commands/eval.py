"""intflow eval"""

import json

import click

from . import options


@click.command(epilog="Example, after a training: intflow eval runs/lenet-2888 --json")
@click.argument("run")
@options.data
@options.data_dir
@options.threads
@options.backend
@options.device
@options.json_output
def command(run, data, data_dir, threads, backend, device, as_json):
    """Measure the error of RUN, a run folder or a checkpoint, on the test images."""
    from ..data import open_dataset
    from ..errors import ShapeError
    from ..training.evaluate import evaluate
    from ..training.load import load_checkpoint
    from ..training.setup import is_brought_to_size

    trainer, about = load_checkpoint(options.checkpoint_path(run), threads, backend, device)
    config = about["config"]
    dataset = open_dataset(data or config.data, data_dir or config.data_dir or None)
    shape = about["input_shape"]
    if not is_brought_to_size(dataset) and tuple(dataset.shape) != shape:
        raise ShapeError(f"the network takes images {shape}, {dataset.name} has "
                         f"{tuple(dataset.shape)}; name the data it was trained on")
    report = evaluate(trainer, dataset.test, config.augment)
    if as_json:
        del report["wrong"]
        click.echo(json.dumps(report))
        return
    click.echo(f"{dataset.title}: {report['images']:,} images, error {100 * report['test_error']:.2f} %"
               + (f", top-5 {100 * report['top5_error']:.2f} %" if "top5_error" in report else "")
               + f", loss {report['loss']:.4f}, {report['images_per_second']:.0f} images/s")
    click.echo(f"digest {report['digest']}")
