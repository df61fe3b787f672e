"""The counts of a step whose images are spread over workers."""

OVER_IMAGES = ("forward", "error", "activation")    # products and slots; "error" is one of each


def sum_counts(layers, group):
    """Replace, in place, one worker's counts by those of the whole batch.

    Parameters
    ----------
    layers : as `Counting.layers`; every worker has the same keys in the same order.
    group : the workers. Counts are summed, `largest` is the maximum. What concerns weights and
        whole gradients every worker has counted alike, and it stays.

    Examples
    --------
    Two workers with {"zeros": 3, "size": 8} and {"zeros": 1, "size": 4}: {"zeros": 4, "size": 12}.
    """
    places = [counts for kinds in layers.values() for named in kinds.values()
              for name, counts in named.items() if name in OVER_IMAGES]
    keys = [(counts, key) for counts in places for key in counts if key != "largest"]
    for (counts, key), total in zip(keys, group.totals([c[key] for c, key in keys])):
        counts[key] = total
    for counts in places:
        if "largest" in counts:
            counts["largest"] = group.maximum(counts["largest"])
