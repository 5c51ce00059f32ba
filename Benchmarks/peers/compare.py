#!/usr/bin/env python3
"""Times SegKernels beside other engines on the same networks, and prints a Markdown table.

    python3 Benchmarks/peers/compare.py inference
    python3 Benchmarks/peers/compare.py training
    python3 Benchmarks/peers/compare.py inference --networks ffnet78S_dBBB_mobile --sizes 512x1024 --rounds 5

Needs Python 3.10 or later and Swift. Everything else is installed in Benchmarks/.build-peers by the first run, with the
versions of requirements.txt. A round runs every engine once, each in a process of its own, one after the other; ratios
are taken within a round. With --results FILE a measurement can be made in parts: the file is continued.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = HERE.parent / ".build-peers"
PYTHON = HOME / "bin" / "python"

NETWORKS = ["ffnet78S_dBBB_mobile", "ffnet40S_BBB_mobile", "ffnet34_dAAA", "ffnet46N_CBB", "ffnet101_dAAA"]
TRAINED = ["ffnet40S_BBB_mobile", "ffnet78S_dBBB_mobile"]
# The column of the table, and the engines of engines.py that it takes the fastest of.
PEERS = {
    "PyTorch": ["pytorch-nchw", "pytorch-channels_last"], "ONNX Runtime": ["onnxruntime"],
    "OpenVINO f32": ["openvino"], "OpenVINO bf16": ["openvino-bf16"], "ncnn": ["ncnn"], "MNN": ["mnn"],
}
OURS = "SegKernels"


def fail(message, status=70):
    print(f"compare: {message}", file=sys.stderr)
    sys.exit(status)


def note(message):
    print(message, file=sys.stderr, flush=True)


def run(*arguments, **more):
    """What a program prints; None, after a note, where it fails."""
    done = subprocess.run([str(part) for part in arguments], capture_output=True, text=True, cwd=HERE, **more)
    if done.returncode != 0:
        note(f"{pathlib.Path(str(arguments[0])).name} {' '.join(map(str, arguments[1:4]))} failed: "
             f"{(done.stderr or done.stdout).strip()[-400:]}")
        return None
    return done.stdout


def prepare_environment():
    """A virtual environment with the pinned packages, made again when these change. A package that cannot be installed
    costs its engine, not the others: they are tried one by one."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = HOME / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    note(f"installing the engines in {HOME.relative_to(ROOT)} (some gigabytes)")
    venv.create(HOME, with_pip=True)
    for package in (line for line in wanted.splitlines() if line and not line.startswith("#")):
        if run(PYTHON, "-m", "pip", "install", "--quiet", "--no-cache-dir", package) is None:
            note(f"without {package}")
    stamp.write_text(wanted)


def build_segkernels():
    note("building segkernels")
    if subprocess.run(["swift", "build", "-c", "release", "--product", "segkernels"], cwd=ROOT,
                      stdout=sys.stderr).returncode:
        fail("segkernels does not build")
    path = run("swift", "build", "-c", "release", "--show-bin-path", "--package-path", ROOT)
    return pathlib.Path(path.strip()) / "segkernels"


class Comparison:
    """What is measured: engines that take turns, and what they said."""

    def __init__(self, options):
        self.options = options
        self.segkernels = pathlib.Path(options.segkernels).resolve() if options.segkernels else build_segkernels()
        if not self.segkernels.is_file():
            fail(f"--segkernels: expected a program, found nothing at {self.segkernels}", 66)
        self.threads = {"SEGKERNELS_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads)}
        self.path = options.results and pathlib.Path(options.results)
        self.results = json.loads(self.path.read_text()) if self.path and self.path.exists() else {}

    def ours(self, network, shape, is_training):
        batch, _, height, width = shape
        arguments = ["bench", "--model", network, "--batch", batch, "--height", height, "--width", width,
                     "--threads", self.options.threads, "--iterations", self.options.iterations, "--json"]
        output = run(self.segkernels, *arguments, *(["--train"] if is_training else []), env=self.environment())
        return json.loads(output) if output else {"unavailable": "segkernels bench failed"}

    def theirs(self, engine, target, *more):
        output = run(PYTHON, HERE / "engines.py", more[0], engine, target, "--threads", self.options.threads,
                     "--iterations", self.options.iterations, *more[1:], env=self.environment())
        # Some engines greet on stdout.
        return json.loads(output.strip().splitlines()[-1]) if output else {"unavailable": "failed"}

    def environment(self):
        return {**os.environ, **self.threads}

    def check_parameters(self, network):
        """Our network and the one rebuilt in PyTorch have as many parameters."""
        listed = json.loads(run(self.segkernels, "models", network, "--json") or "[]")
        ours = next((model["parameters"] for model in listed if model["name"] == f"segmentation_{network}"), None)
        if ours is None:
            fail(f"--networks: 'segkernels models' has no segmentation_{network}", 64)
        theirs = run(PYTHON, "-c", "import sys, ffnet; print(sum(p.numel() for p in "
                     "ffnet.FFNet(sys.argv[1]).parameters()))", network)
        if theirs is None:
            fail(f"{network}: ffnet.py does not build it, or PyTorch is missing")
        if ours != int(theirs):
            fail(f"{network}: expected {ours} parameters as 'segkernels models' says, ffnet.py builds {theirs}")

    def inference(self):
        for network in self.options.networks or NETWORKS:
            self.check_parameters(network)
            for size in self.options.sizes:
                height, width = map(int, size.split("x"))
                folder = HOME / "models" / f"{network}-{size}"
                if not (folder / "complete").exists():
                    note(f"exporting {folder.name}")
                    if run(PYTHON, HERE / "export.py", network, height, width, folder) is None:
                        fail(f"cannot export {network}")
                row = self.row(f"{network}, {height}×{width}")
                self.rounds(row, lambda: self.ours(network, (1, 3, height, width), False),
                            lambda engine: self.theirs(engine, folder, "run", "--output", folder / f"{engine}.npy"))
                self.compare_outputs(row, network, folder)
                self.store()

    def training(self):
        batch, height, width = self.options.batch, *map(int, self.options.size.split("x"))
        self.options.peers = ["PyTorch"]
        for network in self.options.networks or TRAINED:
            self.check_parameters(network)
            shape = [batch, 3, height, width]
            row = self.row(f"{network}, {batch} × {height}×{width}")
            self.rounds(row, lambda: self.ours(network, shape, True),
                        lambda engine: self.theirs(engine, network, "train", "--shape", *shape))
            self.store()

    def row(self, title):
        return self.results.setdefault(title, {"rounds": []})

    def rounds(self, row, ours, theirs):
        engines = [engine for peer in self.options.peers for engine in PEERS[peer]]
        turns = [(OURS, ours)] + [(engine, lambda engine=engine: theirs(engine)) for engine in engines]
        for number in range(self.options.rounds):
            found = {}
            # Another one begins in each round: none always follows the same.
            for name, turn in turns[number % len(turns):] + turns[:number % len(turns)]:
                found[name] = turn()
                note(f"round {number + 1}  {name}: {describe(found[name])}")
            row["rounds"].append(found)

    def compare_outputs(self, row, network, folder):
        """The largest difference of each engine's output from ours, over our largest logit."""
        target = folder / "segkernels.npy"
        if run(self.segkernels, "run", "--model", network, "--weights", folder / "weights.safetensors", "--input",
               folder / "input.npy", "--output", target, "--force", env=self.environment()) is None:
            fail(f"segkernels cannot run {network}")
        script = ("import sys, numpy as np; y = np.load(sys.argv[1])\n"
                  "for path in sys.argv[2:]: print(float(abs(np.load(path) - y).max() / abs(y).max()))")
        last = row["rounds"][-1]
        engines = [name for name, found in last.items() if name != OURS and "median_seconds" in found]
        differences = run(PYTHON, "-c", script, target, *(folder / f"{engine}.npy" for engine in engines)).split()
        row["differences"] = dict(zip(engines, map(float, differences)))

    def store(self):
        if self.path:
            self.path.write_text(json.dumps(self.results, indent=1))


def describe(found):
    if "unavailable" in found:
        return found["unavailable"]
    return f"{found['median_seconds'] * 1000:.0f} ms, {found['peak_rss_bytes'] / 1e6:.0f} MB"


def table(results, peers):
    """A line a row: ours, then of each peer milliseconds, how many times ours (least–most of the rounds), and memory."""
    lines = ["| network | " + " | ".join([OURS] + peers) + " |", "|---" * (len(peers) + 2) + "|"]
    reasons, versions, worst = {}, {}, {}
    for title, row in results.items():
        rounds = row["rounds"]
        cells = [summary([found[OURS] for found in rounds])]
        for peer in peers:
            taken = []
            for found in rounds:
                timed = [found[engine] for engine in PEERS[peer] if "median_seconds" in found.get(engine, {})]
                if timed and "median_seconds" in found[OURS]:
                    taken.append((min(timed, key=lambda one: one["median_seconds"]), found[OURS]))
                for engine in PEERS[peer]:
                    if "unavailable" in found.get(engine, {}):
                        reasons[peer] = found[engine]["unavailable"]
            if not taken:
                cells.append("–")
                continue
            ratios = [one["median_seconds"] / ours["median_seconds"] for one, ours in taken]
            versions[peer] = taken[-1][0]["version"]
            cells.append(summary([one for one, _ in taken], ratios))
            for engine in PEERS[peer]:
                difference = row.get("differences", {}).get(engine, 0)
                worst[peer] = max(worst.get(peer, 0), difference)
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", f"Milliseconds, (peer / ours, least–most of the rounds), peak MB. "
              + "Versions: " + ", ".join(f"{peer} {version}" for peer, version in versions.items()) + "."]
    lines += [f"{peer}: not run: {reason}." for peer, reason in reasons.items() if peer not in versions]
    if any(worst.values()):
        lines.append("Largest difference of the outputs from ours, over the largest logit: "
                     + ", ".join(f"{peer} {value:.1e}" for peer, value in worst.items()) + ".")
    return "\n".join(lines)


def summary(taken, ratios=()):
    timed = [one for one in taken if "median_seconds" in one]
    if not timed:
        return "–"
    milliseconds = statistics.median(one["median_seconds"] for one in timed) * 1000
    ratio = f" ({statistics.median(ratios):.2f}×, {min(ratios):.2f}–{max(ratios):.2f})" if ratios else ""
    return f"{milliseconds:.0f}{ratio}, {max(one['peak_rss_bytes'] for one in timed) / 1e6:.0f} MB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["inference", "training", "table"], help="table: print --results again")
    parser.add_argument("--networks", nargs="+", help="by default those of the README")
    parser.add_argument("--sizes", nargs="+", default=["512x1024", "1024x2048"], help="HxW, for inference")
    parser.add_argument("--size", default="360x480", help="HxW, for training")
    parser.add_argument("--batch", type=int, default=4, help="images at once, for training")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=8, help="timed runs of each process; its median counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", help="a JSON file that is continued, for measuring in parts")
    parser.add_argument("--segkernels", help="the built command line, instead of building it")
    options = parser.parse_args()
    if options.what == "table":
        if not options.results or not os.path.exists(options.results):
            fail("table: expected --results FILE of an earlier measurement", 66)
        return print(table(json.loads(pathlib.Path(options.results).read_text()), options.peers))
    prepare_environment()
    comparison = Comparison(options)
    getattr(comparison, options.what)()
    print(table(comparison.results, options.peers))


if __name__ == "__main__":
    main()
