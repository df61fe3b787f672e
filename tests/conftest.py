"""What all tests share: Hypothesis without deadlines, because the first call of a kernel compiles;
long files first."""

import os

from hypothesis import settings

# Several test processes share the machine: their main threads shall not share one core.
os.environ.setdefault("OMP_PROC_BIND", "false")

settings.register_profile("intflow", deadline=None, print_blob=True)
settings.load_profile("intflow")

# Files go to one process whole. These start first, the longest in front, so that at the end no
# process waits for another. The first compiles what most of the others run; see there.
LONG = """
audit/test_everything_compiled.py export/test_c.py kernels/test_conformance.py
device/test_accumulators.py test_devices_page.py test_eval_from.py test_bench.py
test_wrpn.py parallel/test_workers.py layers/test_fused.py test_finetune.py test_oracle_step.py
test_oracle_self.py faults/test_faults.py audit/test_compiled.py layers/test_norms.py
""".split()


def pytest_configure(config):
    """Files go out in the order of the collection, not those of many tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Long files first, the others as they are."""
    def place(item):
        name = item.nodeid.split("::")[0].removeprefix("tests/")
        return LONG.index(name) if name in LONG else len(LONG)

    items.sort(key=place)
