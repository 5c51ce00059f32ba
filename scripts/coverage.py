"""Sums llvm-cov's summary of files (on standard input) to a Markdown table of modules."""

import collections
import json
import sys

modules = collections.defaultdict(lambda: collections.Counter())
for file in json.load(sys.stdin)["data"][0]["files"]:
    module = file["filename"].split("/Sources/")[-1].split("/")[0]
    for name in (module, "all"):
        for kind in ("lines", "regions"):
            for key in ("count", "covered"):
                modules[name][kind + key] += file["summary"][kind][key]

print("| module | lines | run by tests | regions (branches) | run by tests |\n|---|---|---|---|---|")
for name in sorted(modules, key=lambda name: (name == "all", name)):
    counts = modules[name]
    print(
        f"| {name} | {counts['linescount']} | {100 * counts['linescovered'] / counts['linescount']:.1f} % "
        f"| {counts['regionscount']} | {100 * counts['regionscovered'] / counts['regionscount']:.1f} % |"
    )
