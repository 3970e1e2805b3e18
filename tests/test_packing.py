"""What is handed out: the wheel, and the source distribution that it can be built from."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
pytest.importorskip("hatchling")  # what builds both
pytestmark = pytest.mark.slow


def build(source, folder, *what):
    """Build in a folder of its own; returns by kind the files that were made."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), *what]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return {path.suffix: path for path in folder.iterdir() if path.suffix in (".whl", ".gz")}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the source distribution of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*wheel, str(folder), "."], cwd=ROOT, check=True, capture_output=True)
    return build(ROOT, folder, "--target", "sdist")


def contents(wheel):
    """A wheel's files by name, without those that describe it."""
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_package_and_the_students_notebooks_and_nothing_else(built):
    package = [path for path in (ROOT / "seq2seq_lab").rglob("*.*") if path.is_file()]
    expected = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in package}
    expected = {name: data for name, data in expected.items() if "__pycache__" not in name}
    expected |= {
        f"seq2seq_lab/notebooks/{path.name}": path.read_bytes() for path in ROOT.glob("notebooks/*.ipynb")
    }
    assert len([name for name in expected if name.endswith(".ipynb")]) == 6
    assert contents(built[".whl"]) == {n: d for n, d in expected.items() if not n.endswith(".md")}


def test_the_source_distribution_makes_the_same_wheel_and_has_no_answers(built, tmp_path):
    with tarfile.open(built[".gz"]) as file:
        names = [name.partition("/")[2] for name in file.getnames()]
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # older ones know no filters
        file.extractall(tmp_path, **safely)
    tops = {name.partition("/")[0] for name in names}
    assert tops <= {
        "seq2seq_lab",
        "notebooks",
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "PKG-INFO",
        ".gitignore",
    }
    assert [name for name in names if name.startswith("notebooks/source")] == []
    (unpacked,) = tmp_path.iterdir()
    again = build(unpacked, tmp_path / "again", "--target", "wheel")
    assert contents(again[".whl"]) == contents(built[".whl"])


@pytest.fixture(scope="module")
def environment(built, tmp_path_factory):
    """An environment with the wheel; all else it takes from this one, but not the lab."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (site,) = folder.rglob("site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its .pth files are not read
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    pip += ["--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*pip, str(built[".whl"])], check=True, capture_output=True)
    return python.parent


@pytest.fixture
def variables():
    """The environment's variables without what leads to this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


FIRST_CELLS = """
import json, pathlib, sys
cells = json.loads(pathlib.Path("lab/1-encoder-decoder.ipynb").read_text(encoding="utf-8"))["cells"]
for cell in [cell for cell in cells if cell["cell_type"] == "code"][:2]:
    exec("".join(cell["source"]))
assert pathlib.Path(lab.__file__).is_relative_to(sys.prefix), lab.__file__
lab.progress()
"""


@pytest.mark.skipif(os.name != "posix", reason="ends JupyterLab by its process group")
def test_a_wheel_in_an_empty_folder_becomes_a_lab(environment, variables, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    jupyter = {f"JUPYTER_{name}_DIR": str(tmp_path / "jupyter") for name in ("CONFIG", "DATA", "RUNTIME")}
    jupyter |= {"JUPYTER_PORT": str(port), "JUPYTER_TOKEN": "open-sesame"}
    jupyter |= {"JUPYTERLAB_DIR": str(pathlib.Path(sys.prefix, "share", "jupyter", "lab"))}
    folder = tmp_path / "empty"
    folder.mkdir()
    command = shutil.which("seq2seq-lab", path=str(environment))
    process = subprocess.Popen(
        [command, "start", "lab", "--no-browser"],
        cwd=folder,
        env={**variables, **jupyter},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert [process.stdout.readline() for _ in range(6)] == [
            f"{pathlib.Path('lab', path.name)}: new\n" for path in sorted(ROOT.glob("notebooks/*.ipynb"))
        ]
        served = f"http://127.0.0.1:{port}/api/contents?token=open-sesame"
        names = [entry["name"] for entry in wait_for(served, process)["content"]]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # JupyterLab as well
        process.communicate()
    assert sorted(names) == [path.name for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
    assert {path.name for path in folder.rglob("*") if path.is_file()} == set(names)

    python = shutil.which("python", path=str(environment))
    done = subprocess.run(
        [python, "-c", FIRST_CELLS], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def wait_for(address, process):
    """What a server answers as soon as there is one."""
    for _ in range(600):
        assert process.poll() is None, "JupyterLab has ended"
        try:
            with urllib.request.urlopen(address) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.2)
    pytest.fail("JupyterLab never came up")
