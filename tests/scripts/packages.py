#!/usr/bin/env python3
"""What is published is whole: each crate's manifest says what a registry shows, its package holds licences and README and
no file leads out of it, README's links lead somewhere from whatever page shows it, and nothing below asks for a newer Rust
than the crates promise.

packages.py           seconds, as in CI
packages.py --verify  also builds each package as it is unpacked, which takes minutes
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HELD = {"Cargo.toml", "LICENSE-MIT", "LICENSE-APACHE", "README.md", "src/lib.rs"}
LARGEST = 2 << 20  # bytes of a package; the registry takes ten


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout


def version(text):
    return tuple(int(part) for part in (text + ".0").split(".")[:2])


def manifest_faults(package):
    for key in ("description", "license", "repository", "readme", "rust_version"):
        if not package[key]:
            yield f"no {key}"
    for key in ("keywords", "categories"):
        if not 1 <= len(package[key]) <= 5:
            yield f"{len(package[key])} {key}"
    for keyword in package["keywords"]:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_+-]{0,19}", keyword):
            yield f"the registry takes no keyword {keyword}"
    if package["features"] and package["metadata"] != {"docs": {"rs": {"all-features": True}}}:
        yield "docs.rs would not show its features"


def link_faults(text):
    # A registry shows it elsewhere than where it lies.
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"\b(?:src|srcset|href)=\"([^\"]+)", text)
    for link in sorted({link for link in links if not re.match(r"https?://|#", link)}):
        yield f"README.md leads to {link}, which a registry has not"


def contents_faults(path):
    top = path.name.removesuffix(".crate") + "/"
    with tarfile.open(path) as archive:
        files = {member.name.removeprefix(top): member for member in archive.getmembers()}
        for name in sorted(HELD - files.keys()):
            yield f"{name} is not in it"
        for name in sorted(files):
            if not name.endswith(".rs") and name != "README.md":
                continue
            text = archive.extractfile(files[name]).read().decode()
            if name == "README.md":
                yield from link_faults(text)
                continue
            for included in re.findall(r"include_(?:str|bytes)!\(\"([^\"]+)\"\)", text):
                parts = []
                for part in (*name.split("/")[:-1], *included.split("/")):
                    parts.pop() if part == ".." and parts else parts.append(part)
                if "/".join(parts) not in files:
                    yield f"{name} includes {included}, which is not in it"
            if re.search(r"CARGO_MANIFEST_DIR\"\), \"/\.\.", text):
                yield f"{name} reads what lies outside of it"
    if path.stat().st_size > LARGEST:
        yield f"{path.stat().st_size} bytes"


def main():
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--all-features", "--locked"))
    members = [package for package in metadata["packages"] if package["id"] in metadata["workspace_members"]]
    published = [package for package in members if package["publish"] != []]
    promised = version(published[0]["rust_version"])
    faults = [f"{package['name']}: no rust_version" for package in members if not package["rust_version"]]
    for package in metadata["packages"]:
        if package["rust_version"] and version(package["rust_version"]) > promised:
            faults.append(f"{package['name']} {package['version']} needs Rust {package['rust_version']}")
    chosen = [argument for package in published for argument in ("-p", package["name"])]
    cargo("package", "--quiet", "--allow-dirty", *chosen, *([] if "--verify" in sys.argv[1:] else ["--no-verify"]))
    for package in published:
        path = Path(metadata["target_directory"]) / "package" / f"{package['name']}-{package['version']}.crate"
        for fault in (*manifest_faults(package), *contents_faults(path)):
            faults.append(f"{package['name']}: {fault}")
        print(f"{package['name']} {package['version']}: {path.stat().st_size >> 10} KiB")
    print(f"{len(metadata['packages'])} packages, none that asks for more than Rust {promised[0]}.{promised[1]}" if not faults else "\n".join(faults))
    sys.exit(1 if faults else 0)


main()
