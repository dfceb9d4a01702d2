#!/usr/bin/env python3
"""A server of one's own from an empty folder, exactly as the guide tells (`adapter-tokio/src/guide/first_server.md`), by this
checkout's crates; then the README's server in its place. Each is built, run, talked to by `wharf connect` and ended by Ctrl-C.
Says how long each took; more than five minutes from the folder to the echo is a failure. The crates that they need come from the
registry.

first_server.py
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
GUIDE = TOP / "adapter-tokio/src/guide/first_server.md"
ADDRESS = "127.0.0.1:9001"
# As the guide says for who has a checkout.
CHECKOUT = {"cargo add wharf-core wharf-tokio": ["cargo add --path CHECKOUT/core", "cargo add --path CHECKOUT/adapter-tokio"]}


def blocks(page, kind):
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", page.read_text(), re.M | re.S)


def commands(folder):
    """What the guide has one type up to the program: done in `folder`, which ends as the one that `cd` goes to."""
    for line in blocks(GUIDE, "console")[0].splitlines():
        for part in line.removeprefix("$ ").split(" && "):
            for command in CHECKOUT.get(part, [part]):
                words = shlex.split(command.replace("CHECKOUT", str(TOP)))
                if words[0] == "cd":
                    folder = folder / words[1]
                else:
                    subprocess.run(words, cwd=folder, check=True)
    return folder


def wharf():
    said = subprocess.run(["cargo", "build", "--quiet", "--release", "--bin", "wharf"], cwd=TOP)
    said.check_returncode()
    return Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")) / "release/wharf"


def answered(binary, server):
    """What the server says to a hello, once it listens."""
    for _ in range(600):
        said = subprocess.run([binary, "connect", f"ws://{ADDRESS}/", "--send", "hello"], capture_output=True, text=True)
        if said.returncode == 0:
            return said.stdout
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        time.sleep(0.1)
    sys.exit(f"nobody answers: {said.stderr}")


def tried(folder, program, binary, name):
    began = time.monotonic()
    (folder / "src/main.rs").write_text(program)
    subprocess.run(["cargo", "build", "--quiet"], cwd=folder, check=True)
    built = time.monotonic() - began
    server = subprocess.Popen([folder / "target/debug" / folder.name], cwd=folder)
    try:
        if answered(binary, server) != "hello\n":
            sys.exit("that is no echo")
        server.send_signal(signal.SIGINT)
        if server.wait(30) != 0:
            sys.exit(f"Ctrl-C ended it with {server.returncode}")
    finally:
        server.kill()
    print(f"{name}: built in {built:.0f} s, echoes, drains on Ctrl-C", flush=True)


def main():
    binary = wharf()
    [guide] = blocks(GUIDE, "no_run")
    [readme] = blocks(TOP / "README.md", "rust,no_run")
    with tempfile.TemporaryDirectory() as empty:
        os.environ.pop("CARGO_TARGET_DIR", None)
        began = time.monotonic()
        folder = commands(Path(empty))
        tried(folder, guide, binary, "the guide's server")
        took = time.monotonic() - began
        print(f"from an empty folder: {took:.0f} s", flush=True)
        if took > 300:
            sys.exit("that is more than the five minutes that the guide promises")
        tried(folder, readme, binary, "the README's server")


main()
