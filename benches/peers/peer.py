"""What every peer does alike: its arguments, the tokens it reads, the memory it counts and the answer it prints."""

import argparse
import json


def arguments(dtypes=()):
    """What `compare.py` asks for; `dtypes` are the kinds of numbers that the peer can be told to use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--what", choices=["train", "decode"], required=True)
    if dtypes:
        parser.add_argument("--dtype", choices=dtypes, required=True)
    for count in ["batch", "prompt-tokens", "new-tokens", "repeat", "threads"]:
        parser.add_argument(f"--{count}", type=int, required=True)
    return parser.parse_args()


def tokens(batch, count, vocabulary):
    """The tokens that `azr bench` reads: `batch` lists of `count` that share no beginning."""
    return [
        [(index * 7_919 + position * 104_729 + 1) % vocabulary for position in range(count)] for index in range(batch)
    ]


def measure(work, repeat):
    """Does the work once for warmth and `repeat` times by the clock, `work` gives seconds; prints what came out."""
    forget_peak()
    work()
    seconds = [work() for _ in range(repeat)]
    print(json.dumps({"seconds": seconds, "peak_memory_bytes": peak_bytes()}))


def forget_peak():
    """Begins a new count, where the kernel allows that (proc(5)); elsewhere the peak of the whole process counts."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_bytes():
    """The most memory this process has held since, as the kernel counts it and `azr bench` reports it; or None."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return None
