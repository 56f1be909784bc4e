"""A rehearsal of the Hugging Face Space, and what its configuration promises.

The rehearsal goes through what the Space does, in its order: requirements.txt alone is installed
into a fresh environment, then the files that docs/space.md says to upload are copied in, then
`python app.py` runs as an ordinary user. Here it also runs without a network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65534
QUESTION = "what were the aims of collectivization?"

# Runs where the app has no network. Its arguments, as JSON: the app's command, folder,
# environment, user (or null), URL and the question. It prints the answer as JSON.
DRIVER = """
import fcntl, json, os, signal, socket, struct, subprocess, sys, time
from gradio_client import Client

job = json.loads(sys.argv[1])
if job["own_network"]:  # which begins with its loopback interface down
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
user = {} if job["user"] is None else dict(user=job["user"], group=job["user"], extra_groups=[])
app = subprocess.Popen(
    job["command"], cwd=job["folder"], env=job["env"], stdout=sys.stderr, stdin=subprocess.DEVNULL,
    start_new_session=True, **user,
)
try:
    for _ in range(job["seconds"]):
        try:
            socket.create_connection(("127.0.0.1", job["port"]), timeout=1).close()
            break
        except OSError:
            if app.poll() is not None:
                sys.exit(f"app.py ended with status {app.returncode}")
            time.sleep(1)
    client = Client(f"http://127.0.0.1:{job['port']}", verbose=False)
    print(json.dumps(client.predict(job["question"], api_name="/ask")))
finally:
    os.killpg(app.pid, signal.SIGTERM)
    app.wait(30)
"""

# Where no network namespace can be had: refuses whatever leaves this machine.
NO_NETWORK = """
import socket

def only_here(method):
    def guarded(self, address, *rest):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"no network: {address}")
        return method(self, address, *rest)
    return guarded

socket.socket.connect = only_here(socket.socket.connect)
socket.socket.connect_ex = only_here(socket.socket.connect_ex)
"""


def front_matter() -> dict[str, Any]:
    _, block, _ = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    configuration: dict[str, Any] = yaml.safe_load(block)
    return configuration


def uploaded(root: Path) -> list[str]:
    """Paths of the files that the command in docs/space.md uploads, relative to the root."""
    guide = (root / "docs" / "space.md").read_text("utf-8")
    include = re.findall(r'--include "?([^" \n]+)', guide)
    exclude = re.findall(r'--exclude "?([^" \n]+)', guide)
    names = {pattern.split("/")[0] for pattern in include}
    files = [
        path.relative_to(root).as_posix()
        for name in sorted(names)
        for path in ([root / name] if (root / name).is_file() else (root / name).rglob("*"))
        if path.is_file()
    ]
    return [
        file
        for file in files
        if any(fnmatch(file, pattern) for pattern in include)
        and not any(fnmatch(file, pattern) for pattern in exclude)
    ]


def python_for_everybody() -> Path | None:
    """An interpreter that an ordinary user can run; one in root's own home is none."""
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    names = ("python3.11", "python3.12", "python3.13", "python3")
    for found in (base, *(shutil.which(name, path=os.defpath) for name in names)):
        path = Path(found).resolve() if found else None
        if path and path.is_file() and all(up.stat().st_mode & 0o001 for up in path.parents):
            return path
    return None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach, which pytest's own temporary folders are not."""
    path = Path(tempfile.mkdtemp(prefix="space-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.slow
def test_the_space_installs_starts_and_answers_without_a_network(folder: Path) -> None:
    root = os.geteuid() == 0
    interpreter = python_for_everybody() if root else Path(sys.executable)
    if interpreter is None:
        pytest.skip("every Python here is root's own: an ordinary user could not run the app")
    home, space = folder / "home", folder / "home" / "app"
    space.mkdir(parents=True)
    python = folder / "venv" / "bin" / "python"

    subprocess.run([interpreter, "-m", "venv", folder / "venv"], check=True)
    # Before the rest, since the Space's own CUDA build would cost gigabytes here.
    subprocess.run([python, ROOT / "scripts" / "install_torch.py"], check=True)
    shutil.copy(ROOT / "requirements.txt", space)
    gradio = f"gradio[oauth,mcp]=={front_matter()['sdk_version']}"
    install = f"-m pip install -q -r requirements.txt {gradio} uvicorn websockets spaces"
    subprocess.run([python, *install.split()], cwd=space, check=True)
    for name in uploaded(ROOT):
        (space / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, space / name)
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    if root:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unshare = ["unshare", "--net"] if root else ["unshare", "--net", "--map-root-user"]
    own_network = (
        bool(shutil.which("unshare")) and not subprocess.run([*unshare, "true"]).returncode
    )
    job = {
        "command": [str(python), "app.py"],
        "folder": str(space),
        "env": {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "GRADIO_SERVER_NAME": "0.0.0.0",
            "SYSTEM": "spaces",
            "SPACE_ID": "student/askhistory",
            "ASKHISTORY_PORT": str(port),
            "PYTHONPATH": "" if own_network else str(folder / "guard"),
        },
        "user": NOBODY if root else None,
        "own_network": own_network,
        "port": port,
        "seconds": 240,
        "question": QUESTION,
    }
    done = subprocess.run(
        [*(unshare if own_network else []), sys.executable, "-c", DRIVER, json.dumps(job)],
        capture_output=True,
        text=True,
        timeout=400,
    )

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["question"] == QUESTION
    assert answer["covered"] is True
    headings = [point["headings"][-2:] for point in answer["points"]]
    assert headings.count(["Collectivization", "Aims"]) == 4
    assert (space / "index" / "manifest.json").is_file()


def test_the_upload_holds_what_the_app_needs_and_nothing_of_ours_beside() -> None:
    files = uploaded(ROOT)
    assert {"README.md", "app.py", "requirements.txt", "src/askhistory/py.typed"} <= set(files)
    assert any(name.startswith("corpus/") and name.endswith(".md") for name in files)
    tops = {name.split("/")[0] for name in files}
    assert tops == {
        *("LICENSE", "NOTICE", "README.md", "app.py", "corpus", "docs", "requirements.txt", "src")
    }
    assert not [name for name in files if "__pycache__" in name or "egg-info" in name]


def test_the_front_matter_is_what_a_space_takes() -> None:
    configuration = front_matter()
    assert configuration["sdk"] == "gradio"
    assert configuration["app_file"] == "app.py"
    assert configuration["license"] == "apache-2.0"
    assert configuration["models"] == ["sentence-transformers/all-MiniLM-L6-v2"]
    assert len(configuration["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {configuration["colorFrom"], configuration["colorTo"]} <= colours
    # The one that ZeroGPU offers of those that the package runs on.
    assert configuration["python_version"] == "3.12.12"


def test_requirements_are_what_the_space_can_install() -> None:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    # Names from the package index with version bounds: no paths, addresses, options or builds.
    plain = re.compile(r"[A-Za-z0-9_.-]+(?:(?:==|>=|<)[0-9.]+,?)+")
    assert [line for line in requirements if not plain.fullmatch(line)] == []
    assert f"gradio=={front_matter()['sdk_version']}" in requirements
    assert not [line for line in requirements if line.startswith(("torch", "pydantic"))]


def test_zero_gpu_finds_its_function_before_torch_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(
        textwrap.dedent("""
            import sys
            loaded = {"torch", "gradio", "sentence_transformers"} & set(sys.modules)
            declared = []
            def GPU(function):
                declared.append(callable(function))
                return function
        """),
        encoding="utf-8",
    )
    # The page itself is not wanted here: only what comes before it.
    script = f"""
import runpy, sys, types
for name in ("askhistory.assistant", "askhistory.ui"):
    part = sys.modules[name] = types.ModuleType(name)
    part.__getattr__ = lambda name: lambda *arguments: None
runpy.run_path({str(ROOT / "app.py")!r}, run_name="__main__")
import spaces
print(spaces.declared, spaces.loaded)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[True] set()\n"
