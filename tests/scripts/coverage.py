#!/usr/bin/env python3
"""Which lines of the core its own tests run (`cargo test -p wharf-core --lib --all-features`), and which branches they or the bus's
simulations take, without those of the tests themselves. Fails below 95 % of lines, and where a branch of the machines is not
taken that `branches.toml` does not say why.

coverage.py          the figures, each file below the bar, and each line of the machines with a branch that nothing takes
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
import tomllib
import zlib
from collections import defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SOURCES = TOP / "core/src"
UNREACHED = Path(__file__).parent / "branches.toml"
BAR = 95.0
MACHINES = {
    "frames": ("ws/wire/", "ws/fast.rs", "ws/receive.rs", "ws/send.rs", "ws/assembly.rs"),
    "handshake": ("ws/handshake/",),
    "close": ("base/closing.rs", "base/close.rs", "base/close/", "ws/closing.rs"),
    "bus": ("service/bus/",),
}
# What else may take a branch: machines of several nodes are tried as a whole, under virtual time.
SIMULATIONS = ("bus_model", "bus_nodes", "bus_world")


def tool(name):
    major = re.search(r"LLVM version: (\d+)", subprocess.check_output(["rustc", "-vV"], text=True)).group(1)
    for found in (f"{name}-{major}", f"/usr/lib/llvm-{major}/bin/{name}"):
        if shutil.which(found):
            return found
    sys.exit(f"{name} of LLVM {major} is not here; on Debian: apt-get install llvm-{major}")


# The core is instrumented, and what links it, for the runtime of it. Some of what lies below would build otherwise if it
# saw the variable.
WRAPPER = f"""#!/bin/sh
case " $* " in
{"|".join(f'*" --crate-name {name} "*' for name in ("wharf", *SIMULATIONS))})
  RUSTC_BOOTSTRAP=1 exec "$@" -C instrument-coverage -Z coverage-options=branch ;;
esac
exec "$@"
"""


def built(*of):
    """The test binaries of what is named."""
    # What it builds is told apart by its path: another wrapper builds anew.
    name = f"branches-{zlib.crc32(WRAPPER.encode()):08x}"
    wrapper = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")).absolute() / name
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    command = ["cargo", "test", "--quiet", "--no-run", "--message-format", "json", *of]
    environment = {**os.environ, "RUSTC_WORKSPACE_WRAPPER": str(wrapper)}
    said = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    artifacts = (json.loads(line) for line in said.splitlines() if '"executable":"' in line)
    return [artifact["executable"] for artifact in artifacts if artifact["profile"]["test"]]


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
            # Macros of others may have lines, too.
            path = Path(rest)
            name = path.relative_to(SOURCES).as_posix() if path.is_relative_to(SOURCES) else ""
            end = 0 if not name or is_test(f"/{name}") else first_test_line(path)
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


def untaken(branches):
    return sorted({key[0] for key, count in branches.items() if count == 0})


def text(name, number):
    return (SOURCES / name).read_text().splitlines()[number - 1].strip()


def without_unreached(files):
    """Leaves out the branches that no input takes. What is wrong with the list of them."""
    wrong = []
    for entry in tomllib.loads(UNREACHED.read_text()).get("unreached", []):
        name, line = entry["file"], entry["line"]
        branches = files[name][1] if name in files else {}
        found = {number for number in untaken(branches) if text(name, number) == line}
        if len(found) != entry.get("times", 1):
            wrong.append(f"{UNREACHED.name}: {len(found)} lines with a branch that nothing takes in {name}: {line}")
        for key in [key for key, count in branches.items() if key[0] in found and count == 0]:
            del branches[key]
    return wrong


def left(files):
    """Tells what is taken of each machine. Which lines are not."""
    lines = []
    for machine, folders in MACHINES.items():
        of = {name: branches for name, (_, branches) in sorted(files.items()) if name.startswith(folders)}
        counts = [count for branches in of.values() for count in branches.values()]
        print(f"{machine}: {share(counts):.1f} % of {len(counts)} branches")
        lines += [f"{name}:{number}: {text(name, number)}" for name in of for number in untaken(of[name])]
    return lines


def main():
    (own,) = built("-p", "wharf-core", "--lib", "--all-features")
    files = measured(own)
    for simulation in built("-p", "wharf-tests", *(f"--test={name}" for name in SIMULATIONS)):
        for name, (_, branches) in measured(simulation).items():
            for key, count in branches.items():
                files[name][1][key] += count
    wrong = without_unreached(files)
    for name, (lines, branches) in sorted(files.items()):
        if share(lines.values()) < BAR:
            print(f"{share(lines.values()):5.1f} % of {len(lines)} lines: {name}")
        if len(sys.argv) > 1 and name.startswith(sys.argv[1]):
            print(name, "lines:", [n for n, count in sorted(lines.items()) if count == 0])
            print(name, "branches:", untaken(branches))
    wrong += left(files)
    every = [count for lines, _ in files.values() for count in lines.values()]
    print(f"core: {share(every):.1f} % of {len(every)} lines")
    for line in wrong:
        print(line)
    sys.exit(bool(wrong) or share(every) < BAR)


main()
