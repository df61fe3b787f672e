"""The house rules that a machine can hold: floors, integers only, lazy imports, docstrings."""

import ast
import configparser
import importlib
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import intflow

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "intflow").rglob("*.py"))
DATASET_FILES = sorted((ROOT / "datasets").rglob("*.py"))

# A file imports floors below its own; folders on one floor do not import each other.
FLOORS = {
    "errors": -1, "group": -1, "npy": -1,
    "formats": 0, "random_streams": 0,
    "kernels": 1, "parallel": 1,
    "ops": 2, "quantizers": 2,
    "layers": 3, "losses": 3, "optimizers": 3, "data": 3,
    "models": 4, "costs": 4, "device": 4,
    "training": 5,
    "export": 6, "pretrained": 6,
    "audit": 7, "bench": 7,
    "cli": 8, "commands": 8, "__main__": 8,
}
EXCEPTIONS = {("quantizers", "ops"), ("__main__", "cli")}
# What a folder may import besides the standard library and intflow.
LIBRARIES = {
    "errors": set(), "group": set(), "npy": {"numpy"}, "random_streams": set(),
    "__init__": set(), "__main__": set(),
    "formats": {"numpy"},
    "kernels": {"numpy", "numba", "llvmlite"}, "parallel": {"numpy", "mpi4py"},
    "ops": {"numpy"}, "quantizers": {"numpy"}, "models": {"numpy"},
    "layers": {"numpy"}, "losses": {"numpy"}, "optimizers": {"numpy"},
    "data": {"numpy", "h5py", "PIL", "pooch", "scipy"},
    "costs": {"numpy"},
    "device": {"numpy", "numba", "h5py"}, "pretrained": {"numpy", "h5py", "matplotlib"},
    "training": {"numpy", "h5py", "rich"},
    "export": {"numpy", "h5py", "onnx"}, "audit": {"numpy", "numba", "llvmlite"},
    "bench": {"numpy", "numba", "matplotlib", "torch", "onnxruntime"},
    "cli": {"click"}, "commands": {"click", "rich", "numpy", "matplotlib"},
}

# No float exists in these, but on lines with the comment `# edge: reason`.
STEP = ("kernels", "ops", "quantizers", "layers", "losses", "optimizers")
FLOAT_NAMES = {"float", "complex"}
FLOAT_MEMBERS = FLOAT_NAMES | {         # of math, numpy and arrays
    "double", "single", "half", "longdouble", "floating", "inexact", "inf", "nan", "pi",
    "float16", "float32", "float64", "complex64", "complex128", "float_power",
    "true_divide", "divide", "truediv", "mean", "average", "std", "var", "sqrt", "exp", "log", "log2",
    "log10", "sin", "cos", "tanh", "linspace", "logspace", "rint", "frexp", "ldexp",
}
FLOAT_TEXT = re.compile(                # type codes, and words of compiler intermediate code
    r"^[<>=]?f[248]$|\b(float(?!-weight)|float16|float32|float64|double|f(add|sub|mul|div|cmp)|[us]itofp)\b")


def name_of(path):
    return str(path.relative_to(ROOT))


def folder_of(path):
    """Floor's name of a file: the folder in intflow/, or the file's own name."""
    parts = path.relative_to(ROOT / "intflow").with_suffix("").parts
    return parts[0]


def imports(path):
    """Every (line, full dotted name) that a file imports anywhere."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = list(package[:len(package) - node.level + 1]) if node.level else []
            base += [node.module] if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def inside(path):
    """Every (line, [parts below intflow]) of a file's imports of the package itself."""
    for line, name in imports(path):
        first, *rest = name.split(".")
        if first == "intflow" and rest and rest != ["__version__"]:
            yield line, rest


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_floors(path):
    folder = folder_of(path)
    if folder == "__init__":
        return
    assert folder in FLOORS, f"{folder} stands on no floor: add it to FLOORS"
    for line, (target, *rest) in inside(path):
        where = f"{name_of(path)}:{line} imports {target}"
        assert target in FLOORS or target == "datasets", f"{where}, which stands on no floor"
        below = FLOORS.get(target, 0) < FLOORS[folder]
        assert target == folder or below or (folder, target) in EXCEPTIONS, f"{where}: not below"
        if folder == "kernels" and target == "formats":
            assert rest[:1] == ["rounding"], f"{where}.{rest}: kernels know only the rounding"
        if target == "datasets":
            assert folder == "data", f"{where}: only data/ opens data sets"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_libraries(path):
    allowed = LIBRARIES[folder_of(path)] | {"intflow", "__future__"}
    for line, name in imports(path):
        library = name.split(".")[0]
        assert library in allowed or library in sys.stdlib_module_names, (
            f"{name_of(path)}:{line} imports {library}")


@pytest.mark.parametrize("path", DATASET_FILES, ids=name_of)
def test_datasets_know_nothing_of_intflow(path):
    for line, name in imports(path):
        known = name.startswith("intflow.datasets")
        assert known or name.split(".")[0] != "intflow", f"{name_of(path)}:{line} imports {name}"


def edges(source):
    """Lines with a comment `# edge: reason`."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and "# edge:" in token.string:
            assert token.string.split("# edge:")[1].strip(), f"line {token.start[0]}: edge of what?"
            yield token.start[0]


def floats(tree):
    """Every (node, what) of a syntax tree that makes or means a float."""
    docstrings = {id(node.value) for node in ast.walk(tree)
                  if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            if isinstance(node.value, (float, complex)) or (
                    isinstance(node.value, str) and FLOAT_TEXT.search(node.value)):
                yield node, repr(node.value)
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield node, "true division"
        elif isinstance(node, ast.Attribute) and node.attr in FLOAT_MEMBERS:
            yield node, f".{node.attr}"
        elif isinstance(node, ast.Name) and node.id in FLOAT_NAMES:
            yield node, node.id
        elif isinstance(node, ast.ImportFrom) and node.module in ("math", "numpy"):
            for alias in node.names:
                if alias.name in FLOAT_MEMBERS:
                    yield node, f"import of {alias.name}"


@pytest.mark.parametrize("path", [p for p in FILES if folder_of(p) in STEP], ids=name_of)
def test_no_float_in_the_step(path):
    source = path.read_text()
    excused = set(edges(source))
    for node, what in floats(ast.parse(source)):
        if excused.isdisjoint(range(node.lineno, node.end_lineno + 1)):
            raise AssertionError(f"{name_of(path)}:{node.lineno}: {what}; "
                                 "use integers, or say why in a comment `# edge: reason`")


@pytest.mark.parametrize("line", [
    "x = 0.5", "x = 1e3", "x = a / b", "x /= 2", "x = np.float32(a)", "x = float(a)", "x = 2j",
    "np.zeros(3, 'float32')", "np.zeros(3, '<f4')", "ir = '%x = fmul double %y, %z'",
    "x = a.mean()", "from math import sqrt", "x = math.log2(a)"])
def test_floats_are_found(line):
    assert list(floats(ast.parse(line)))


@pytest.mark.parametrize("line", ["'''1.5 is half.'''", "x = a // b", "x = math.isqrt(a)", "half = 3", "'f'"])
def test_integers_are_not_floats(line):
    assert not list(floats(ast.parse(line)))


@pytest.mark.parametrize("path", FILES + DATASET_FILES, ids=name_of)
def test_docstrings(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body, f"{name_of(path)} says not what it is"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name_of(path)}:{node.lineno} {node.name}"


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True)


@pytest.mark.parametrize("module, absent", [
    ("intflow", "numpy numba scipy h5py PIL click rich pooch"),
    ("intflow.cli", "numba scipy h5py PIL rich pooch"),
    ("intflow.formats", "numba scipy h5py PIL click"),
    ("intflow.kernels", "numba scipy h5py PIL click"),
])
def test_imports_are_lazy(module, absent):
    run = run_python(f"import sys, {module}; print(*(set({absent.split()}) & set(sys.modules)))")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


def test_help_imports_no_kernel():
    run = run_python("import sys; sys.argv[1:] = ['--help']\n"
                     "from intflow.cli import main\n"
                     "try: main()\n"
                     "except SystemExit: pass\n"
                     "print('numba' in sys.modules, 'numpy' in sys.modules)")
    assert run.stdout.splitlines()[-1] == "False False", run.stdout + run.stderr


@pytest.mark.parametrize("name", intflow._LAZY)
def test_lazy_names_exist(name):
    module, _, attribute = intflow._LAZY[name].partition(":")
    expected = importlib.import_module(module)
    assert getattr(intflow, name) is (getattr(expected, attribute) if attribute else expected)
    assert name in dir(intflow)


def test_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'devise'"):
        intflow.devise


def test_packages_are_listed_in_setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["options"]["packages"].split()
    folders = {path.parent.relative_to(ROOT) for path in FILES}
    folders |= {Path("intflow") / path.parent.relative_to(ROOT) for path in DATASET_FILES}
    assert sorted(listed) == sorted(".".join(folder.parts) for folder in folders)


TAG = re.compile(r"\[(WAGE|QNN|WRPN|FAQ|FLOAT) ([^\]\n]+)\]")


def test_equation_index_and_tags_agree():
    """Every tag in a docstring is in the equation index, and every entry of the index is a tag."""
    index = (ROOT / "intflow" / "quantizers" / "README.md").read_text(encoding="utf-8")
    listed = {line.split("|")[1].strip() for line in index.splitlines()
              if re.match(r"\| (WAGE|QNN|WRPN|FAQ|FLOAT) ", line)}
    used = {f"{paper} {tag}" for path in FILES
            for paper, tags in TAG.findall(path.read_text(encoding="utf-8"))
            for tag in tags.split(", ")}
    assert used == listed


def test_index_names_what_exists():
    """Every file and function that the equation index names is there."""
    index = (ROOT / "intflow" / "quantizers" / "README.md").read_text(encoding="utf-8")
    for file, names in re.findall(r"`([\w/*]+\.py)(?:: ([\w.]+))?`", index):
        found = sorted((ROOT / "intflow").glob(file))
        assert found, file
        for path in found:
            name = names.split(".")[-1]
            assert re.search(rf"(def|class) {name}\b", path.read_text()) or not name, (file, names)
