"""intflow eval"""

import json

import click

from . import options

WEIGHTS, ACTIVATIONS = "e4m3", 8         # where none are named


@click.command(epilog="Examples: intflow eval runs/lenet-2888 --json; intflow eval --model resnet20 "
                      "--from resnet20.safetensors --data cifar10 --scheme faq --bits 8-8-16-16")
@click.argument("run", required=False, default=None)
@click.option("--model", default=None, metavar="NAME",
              help="With --from: the network of the weights.")
@click.option("--from", "weights_file", default=None, metavar="FILE",
              help="Published weights (.pth, .safetensors, .npz, .h5, .onnx) in place of RUN.")
@click.option("--scheme", default=None, metavar="NAME",
              help="With --from: float-weight or faq.  [default: float-weight]")
@click.option("--bits", default=None, metavar="WAGE",
              help="With --scheme faq.  [default: 8-8-16-16]")
@options.scheme_options
@click.option("--weights", default=None, metavar="FORMAT",
              help="With --scheme float-weight: e4m3, 1-4-3, s8, ...  [default: e4m3]")
@click.option("--activations", default=None, type=click.IntRange(2, 8), metavar="BITS",
              help="With --scheme float-weight.  [default: 8]")
@click.option("--width", default=None, metavar="X", help="With --from: channels times this.")
@click.option("--out", default=None, metavar="FILE.h5",
              help="With --from: keep the converted network as a checkpoint.")
@options.data
@options.data_dir
@options.threads
@options.backend
@options.device
@options.workers
@options.json_output
def command(run, weights_file, out, data, data_dir, threads, backend, device, workers, as_json,
            **network):
    """Measure the error of RUN, a run folder or a checkpoint, on the test images.

    Or of a published network: with --model and --from its fp32 weights become integers first.
    Ranges come from a few training images, without their labels.
    """
    from ..training.evaluate import evaluate
    from ..training.memory import keep_freed_memory
    from ..training.setup import rule_of

    group = options.join_workers(workers)
    threads = threads or group.threads
    keep_freed_memory()
    network = options.given(network)
    _check(run, weights_file, out, network)
    if run is not None:
        trainer, dataset, config = _trained(run, data, data_dir, threads, backend, device)
    else:
        trainer, dataset, config = _published(
            weights_file, network, data=data, data_dir=data_dir, threads=threads or 0,
            backend=backend, device=device or "")
    group.agree(f"{trainer.digest()} {dataset.title} {len(dataset.test)}")
    if out is not None and group.rank == 0:
        from ..pretrained.evaluation import save_published

        save_published(out, trainer, dataset, config)
    report = evaluate(trainer, dataset.test, rule_of(config), group)
    if group.rank:
        return
    if as_json:
        del report["wrong"]
        click.echo(json.dumps(report))
        return
    unit = "tokens" if trainer.network.reads_text else "images"
    click.echo(f"{dataset.title}: {report['images']:,} {unit}, error "
               + f"{100 * report['test_error']:.2f} %"
               + (f", top-5 {100 * report['top5_error']:.2f} %" if "top5_error" in report else "")
               + (f", perplexity {report['perplexity']:.2f}" if "perplexity" in report else "")
               + f", loss {report['loss']:.4f}, {report['images_per_second']:.0f} {unit}/s")
    click.echo(f"digest {report['digest']}")


def _check(run, weights_file, out, network):
    """Either RUN, or --from with what belongs to it."""
    if run is None and weights_file is None:
        raise click.UsageError("eval needs RUN, or --model NAME --from FILE")
    if run is not None and (weights_file or out or network):
        name = "from" if weights_file else "out" if out else next(iter(network))
        raise click.UsageError(f"--{name} belongs to --from FILE; with RUN the run says it")
    if weights_file is not None and "model" not in network:
        raise click.UsageError("--from needs --model NAME, such as --model resnet20")


def _trained(run, data, data_dir, threads, backend, device):
    """A run's network and the data to measure it on."""
    from ..errors import ShapeError
    from ..training.load import load_checkpoint
    from ..training.open_data import open_data
    from ..training.setup import PUBLISHED, is_brought_to_size

    trainer, about = load_checkpoint(options.checkpoint_path(run), threads, backend, device)
    config = about["config"]
    dataset = open_data(config, data, data_dir, tuple(about["class_names"]))
    if trainer.network.reads_text:
        return trainer, dataset, config
    shape = about["input_shape"]
    brought = is_brought_to_size(dataset) or config.weights or config.augment == PUBLISHED
    if not brought and tuple(dataset.shape) != shape:
        raise ShapeError(f"the network takes images {shape}, {dataset.name} has "
                         f"{tuple(dataset.shape)}; name the data it was trained on")
    return trainer, dataset, config


def _published(weights_file, network, **settings):
    """A network out of a file of weights, and the data to measure it on."""
    from ..pretrained.evaluation import open_published
    from ..parallel.launch import launched_rank
    from ..training import Config

    scheme = network.pop("scheme", "float-weight")
    network["bits"] = _bits(scheme, network)
    trainer, dataset, config = open_published(
        Config(scheme=scheme, **network, **settings), weights_file)
    if dataset.note and not launched_rank():
        click.echo(dataset.note, err=True)
    return trainer, dataset, config


def _bits(scheme, network):
    """The notation that the scheme reads, out of --bits or --weights and --activations."""
    bits = network.pop("bits", None)
    weights, activations = network.pop("weights", None), network.pop("activations", None)
    if scheme != "float-weight":
        if weights or activations:
            raise click.UsageError(f"--weights and --activations belong to --scheme float-weight; "
                                   f"{scheme} takes --bits, such as 8-8-16-16")
        return bits
    if bits is not None:
        raise click.UsageError("float-weight takes --weights, such as e4m3, and --activations, not "
                               "--bits")
    return f"{weights or WEIGHTS},{activations or ACTIVATIONS}"
