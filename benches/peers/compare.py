"""azr beside its peers: the same work, in one run, in turn, medians and ratios.

    python compare.py --azr target/release/azr --model DIR [--what train:2x256 --what decode:32x103+48] [--rounds 5]

DIR is a Hugging Face directory that both read. Each round starts a fresh process of each engine, one after the other,
so that all of them meet the machine in the same state; each process does the work once for warmth and then once by the
clock. Peak memory is the process's resident peak while it works, weights included.
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = ["train:2x256", "train:8x1024", "decode:1x103+48", "decode:32x103+48"]
QUICK = ["train:1x32", "decode:1x16+8", "decode:4x16+8"]
SECONDS_MAX = 1_800


class Work:
    """What is timed: `train:BATCHxTOKENS` or `decode:BATCHxPROMPT+NEW`."""

    def __init__(self, text):
        match = re.fullmatch(r"(train|decode):(\d+)x(\d+)(?:\+(\d+))?", text)
        if not match or (match[1] == "decode") != (match[4] is not None):
            raise argparse.ArgumentTypeError(f"{text} is neither train:BxT nor decode:BxP+N")
        self.text, self.what = text, match[1]
        self.batch, self.prompt, self.new = int(match[2]), int(match[3]), int(match[4] or 1)
        self.tokens = self.batch * (self.prompt if self.what == "train" else self.new)

    def shape(self):
        return ["--batch", self.batch, "--prompt-tokens", self.prompt, "--new-tokens", self.new, "--repeat", 1]


def our(precision):
    """What azr is called where it holds the weights of its products this exactly."""
    return f"azr {precision}"


def engines(options, work):
    """Name and command of each engine that can do the work; ours first."""
    what = ["--what", work.what]
    for precision in options.precision:
        command = [options.azr, "bench", "--json", "--model", options.model, "--precision", precision]
        again = ["--recompute-activations"] if options.recompute_activations else []
        yield our(precision), [*command, *what, *work.shape(), *again]
    threads = ["--threads", options.threads]
    for dtype in options.torch:
        command = [sys.executable, HERE / "torch_peer.py", "--dtype", dtype, "--model", options.model, *what]
        yield f"torch {dtype}", [*command, *work.shape(), *threads]
    for path in options.llama_cpp if work.what == "decode" else []:
        command = [sys.executable, HERE / "llama_peer.py", "--model", path, *what]
        yield f"llama.cpp {Path(path).stem}", [*command, *work.shape(), *threads]


def measure(command, options):
    """Seconds and peak bytes of one process."""
    # OpenMP threads that wait by spinning stall each other when a core is busy with something else.
    threads = str(options.threads)
    environment = os.environ | {
        "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True,
                          timeout=SECONDS_MAX)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\nended with {done.returncode}:\n{done.stderr}")
    answer = json.loads(done.stdout.splitlines()[-1])
    seconds = answer["seconds"]
    seconds = seconds["median"] if isinstance(seconds, dict) else statistics.median(seconds)
    return seconds, answer["peak_memory_bytes"] or 0


def compare(work, options):
    """Rows of one table: every engine, in the order of `engines`."""
    rounds = {name: [] for name, _ in engines(options, work)}
    for turn in range(options.rounds):
        for name, command in engines(options, work):
            rounds[name].append(measure(command, options))
            print(f"{work.text} {turn + 1}/{options.rounds} {name}: {rounds[name][-1][0]:.3f} s", file=sys.stderr)
    ours = [rounds[our(precision)] for precision in options.precision]
    for name, all_of_it in rounds.items():
        seconds = [seconds for seconds, _ in all_of_it]
        peak = statistics.median(peak for _, peak in all_of_it)
        # Round by round: what slows one engine down slows the next one down, too.
        faster = [statistics.median(theirs / mine for (theirs, _), (mine, _) in zip(all_of_it, one)) for one in ours]
        needed = [statistics.median(mine for _, mine in one) / peak for one in ours]
        middle = statistics.median(seconds)
        yield (f"| {work.text} | {name} | {middle:.3f} | {min(seconds):.3f} to {max(seconds):.3f} "
               f"| {work.tokens / middle:.1f} | {listed(faster)} | {peak / 2**20:.0f} | {listed(needed)} |")


def listed(numbers):
    return ", ".join(f"{number:.2f}" for number in numbers)


def processor():
    try:
        names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--azr", default="target/release/azr", help="the binary")
    parser.add_argument("--model", required=True, help="a Hugging Face directory")
    parser.add_argument("--what", action="append", type=Work, help=f"work to time [default: {' '.join(WORK)}]")
    parser.add_argument("--quick", action="store_true", help=f"only to see that it works: {' '.join(QUICK)}")
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every engine")
    parser.add_argument("--precision", nargs="+", choices=["f32", "bf16"], default=["f32", "bf16"],
                        help="how exactly azr's products hold the weights")
    parser.add_argument("--recompute-activations", action="store_true",
                        help="azr learns with less memory and more arithmetic")
    parser.add_argument("--torch", nargs="*", choices=["f32", "bf16"], default=["f32", "bf16"], help="kinds to compare")
    parser.add_argument("--llama-cpp", nargs="*", default=[], metavar="GGUF", help="decode with llama.cpp from these, too")
    options = parser.parse_args()
    # azr takes a thread for each processor that it may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    works = options.what or [Work(text) for text in (QUICK if options.quick else WORK)]
    again = "; azr computes activations again" if options.recompute_activations else ""
    print(f"{datetime.date.today()}, {processor()}, {options.threads} threads, medians of {options.rounds}; "
          f"{Path(options.model).name}{again}\n")
    kinds = ", ".join(options.precision)
    print(f"| work | engine | seconds | least to most | tokens/s | azr ({kinds}) is faster by | peak MiB "
          f"| azr ({kinds}) needs of it |")
    print("|---|---|---|---|---|---|---|---|")
    for work in works:
        for row in compare(work, options):
            print(row, flush=True)


if __name__ == "__main__":
    main()
