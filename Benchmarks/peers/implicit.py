#!/usr/bin/env python3
"""Times IFA's decoder beside PyTorch's direct evaluation of the same function, and prints the ratios.

    python3 Benchmarks/peers/implicit.py                    # 512×1024 queries, three rounds
    python3 Benchmarks/peers/implicit.py --height 128 --width 256

Both start from four levels of 256 channels at 128×256 … 16×32. PyTorch does what the published definition says: nearest
vectors of each level, offsets and their encodings, concatenated to 1128 channels, then the network of 1×1 convolutions. Each
run is a process of its own; ratios are taken within a round. Uses the environment that compare.py makes.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = HERE.parent / ".build-peers" / "bin" / "python"


def peer(height, width, threads, iterations):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    levels = [torch.randn(1, 256, 128 >> k, 256 >> k) for k in range(4)]
    powers = 2 ** torch.linspace(0, 6, 6)
    frequencies = torch.cat([torch.stack([powers, 0 * powers], 1), torch.stack([0 * powers, powers], 1)])
    widths = [1128, 512, 256, 256]
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Conv1d(inputs, outputs, 1), torch.nn.BatchNorm1d(outputs), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Conv1d(256, 19, 1)).eval()

    def centres(count):
        return -1 + (2 * torch.arange(count) + 1) / count

    def decode():
        queries = torch.stack(torch.meshgrid(centres(height), centres(width), indexing="ij"), -1).view(1, -1, 2)
        columns = []
        for level in levels:
            rows, across = level.shape[2:]
            places = queries.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1).unsqueeze(1)
            cells = torch.stack(torch.meshgrid(centres(rows), centres(across), indexing="ij"))[None]
            nearest = F.grid_sample(level, places, mode="nearest", align_corners=False)[:, :, 0].transpose(1, 2)
            centre = F.grid_sample(cells, places, mode="nearest", align_corners=False)[:, :, 0].transpose(1, 2)
            offset = (queries - centre) * torch.tensor([rows, across])
            angle = offset @ frequencies.T
            columns += [offset, angle.sin(), angle.cos(), nearest]
        return network(torch.cat(columns, -1).transpose(1, 2)).view(1, 19, height, width)

    seconds = []
    with torch.inference_mode():
        for _ in range(iterations):
            start = time.perf_counter()
            decode()
            seconds.append(time.perf_counter() - start)
    status = pathlib.Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    print(json.dumps({"median_seconds": statistics.median(seconds), "peak_rss_bytes": peak}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options.height, options.width, options.threads, options.iterations)
    if not PYTHON.exists():
        sys.exit("implicit: run Benchmarks/peers/compare.py first, which installs PyTorch")
    program = ROOT / "Benchmarks" / ".build" / "release" / "benchmarks"
    size = ["--height", options.height, "--width", options.width, "--threads", options.threads, "--iterations",
            options.iterations]
    rounds = []
    for number in range(options.rounds):
        commands = [("ours", [program, "implicit", *size]), ("PyTorch", [PYTHON, HERE / "implicit.py", "--peer", *size])]
        if number % 2:
            commands.reverse()
        found = {}
        for name, command in commands:
            found[name] = json.loads(subprocess.check_output([str(part) for part in command]))
        ours, theirs = found["ours"], found["PyTorch"]
        rounds.append((theirs["median_seconds"] / ours["median_seconds"], ours["peak_rss_bytes"] / theirs["peak_rss_bytes"]))
        print(f"round {number + 1}: ours {ours['median_seconds']:.3f} s, {ours['peak_rss_bytes'] >> 20} MB; "
              f"PyTorch {theirs['median_seconds']:.2f} s, {theirs['peak_rss_bytes'] >> 20} MB; "
              f"{rounds[-1][0]:.1f} times as fast in {rounds[-1][1]:.3f} of the memory", flush=True)
    speed, memory = zip(*rounds)
    print(f"median: {statistics.median(speed):.1f} times as fast ({min(speed):.1f}–{max(speed):.1f}), "
          f"{statistics.median(memory):.3f} of the memory")


if __name__ == "__main__":
    main()
