#!/usr/bin/env python3
"""Which lines and branches of the core its own tests run (`cargo test -p wharf --lib --all-features`), without lines that are
tests themselves. Fails below 95 % of lines.

coverage.py          the figures, each file below the bar, and the machines that must not have a branch untested
coverage.py FOLDER   also each line and branch of `core/src/FOLDER` that no test runs

Takes llvm-profdata and llvm-cov of the compiler's own LLVM, which on Debian are in the package llvm-NN. Branches are an
unstable part of the compiler, which RUSTC_BOOTSTRAP lets a stable one do.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SOURCES = TOP / "core/src"
BAR = 95.0
MACHINES = {
    "frames": ("ws/wire/", "ws/fast.rs", "ws/receive.rs", "ws/send.rs", "ws/assembly.rs"),
    "handshake": ("ws/handshake/",),
    "close": ("base/closing.rs", "base/close.rs", "base/close/", "ws/closing.rs"),
    "bus": ("service/bus/",),
}


def tool(name):
    major = re.search(r"LLVM version: (\d+)", subprocess.check_output(["rustc", "-vV"], text=True)).group(1)
    for found in (f"{name}-{major}", f"/usr/lib/llvm-{major}/bin/{name}"):
        if shutil.which(found):
            return found
    sys.exit(f"{name} of LLVM {major} is not here; on Debian: apt-get install llvm-{major}")


def tests_built():
    """The core's test binary, instrumented, and nothing else: what lies below stays as any build has it."""
    command = ["cargo", "rustc", "--quiet", "-p", "wharf", "--lib", "--profile", "test", "--all-features"]
    command += ["--message-format", "json", "--", "-C", "instrument-coverage", "-Z", "coverage-options=branch"]
    # For the core alone: some of what lies below would build otherwise if it saw the variable.
    wrapper = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")).absolute() / "branches"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text('#!/bin/sh\ncase " $* " in *" -Z "*) export RUSTC_BOOTSTRAP=1 ;; esac\nexec "$@"\n')
    wrapper.chmod(0o755)
    environment = {**os.environ, "RUSTC_WORKSPACE_WRAPPER": str(wrapper)}
    said = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return next(e for e in (json.loads(line)["executable"] for line in said.splitlines() if '"executable":"' in line) if e)


def is_test(name):
    return "/tests/" in name or name.endswith(("/tests.rs", "_tests.rs"))


def first_test_line(path):
    """Tests stand last in a file."""
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        if line.startswith("#[cfg(test)]") and i + 1 < len(lines) and re.match(r"mod \w+ \{", lines[i + 1]):
            return i + 1
    return len(lines) + 1


def measured(binary):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binary, "--quiet"], cwd=TOP / "core", check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LLVM_PROFILE_FILE": f"{folder}/%p-%m.profraw"})
        merged = f"{folder}/all.profdata"
        subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", merged, *map(str, Path(folder).glob("*.profraw"))], check=True)
        said = subprocess.run([tool("llvm-cov"), "export", "-format=lcov", "-instr-profile", merged, binary, str(SOURCES)],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
    files = defaultdict(lambda: ({}, defaultdict(int)))
    name, end = None, 0
    for line in said.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            path = Path(rest)
            name = path.relative_to(SOURCES).as_posix()
            end = 0 if is_test(f"/{name}") else first_test_line(path)
        elif kind == "DA":
            number, count = map(int, rest.split(",")[:2])
            if number < end:
                files[name][0][number] = max(count, files[name][0].get(number, 0))
        elif kind == "BRDA":
            number, block, branch, count = rest.split(",")
            if int(number) < end:
                files[name][1][int(number), block, branch] += 0 if count == "-" else int(count)
    return files


def share(counts):
    counts = list(counts)
    return 100 * sum(count > 0 for count in counts) / len(counts) if counts else 100.0


def main():
    files = measured(tests_built())
    for name, (lines, branches) in sorted(files.items()):
        if share(lines.values()) < BAR:
            print(f"{share(lines.values()):5.1f} % of {len(lines)} lines: {name}")
        if len(sys.argv) > 1 and name.startswith(sys.argv[1]):
            print(name, "lines:", [n for n, count in sorted(lines.items()) if count == 0])
            print(name, "branches:", sorted({key[0] for key, count in branches.items() if count == 0}))
    for machine, folders in MACHINES.items():
        counts = [count for name, (_, branches) in files.items() if name.startswith(folders) for count in branches.values()]
        print(f"{machine}: {share(counts):.1f} % of {len(counts)} branches")
    every = [count for lines, _ in files.values() for count in lines.values()]
    print(f"core: {share(every):.1f} % of {len(every)} lines")
    sys.exit(share(every) < BAR)


main()
