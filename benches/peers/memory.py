"""The most memory this process has held, as the kernel counts it; the same count as `azr bench` reports."""


def forget_peak():
    """Begins a new count, where the kernel allows that (proc(5)); elsewhere the peak of the whole process counts."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_bytes():
    """Peak resident size since the count began, or None."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return None
