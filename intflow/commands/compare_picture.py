"""The picture of a comparison: error against cost, and against bytes."""

AXES = (("wrpn_cost", 1e6, "cost: millions of MAC times bits of both operands"),
        ("model_bytes", 1024, "KiB of the model"))


def draw(rows, path):
    """Write a PNG; returns its path, or None where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    for axes, (key, unit, label) in zip(figure.subplots(1, 2, sharey=True), AXES):
        for scheme in dict.fromkeys(row["scheme"] for row in rows):
            own = [row for row in rows if row["scheme"] == scheme]
            places = [(row[key] / unit, 100 * row["test_error"]) for row in own]
            axes.plot(*zip(*places), "o", label=scheme)
            for row, place in zip(own, places):
                axes.annotate(row["run"], place, fontsize="x-small", xytext=(4, 4),
                              textcoords="offset points")
        axes.set(xlabel=label, xscale="log")
        axes.margins(x=0.2)                 # names stand to the right of their points
    figure.axes[0].set(ylabel="test error, %")
    figure.axes[0].legend()
    FigureCanvasAgg(figure).print_png(path)
    return path
