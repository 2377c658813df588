# Part 4 of 4: the template waits, forks a worker for each run, and reports how the worker ended. The worker runs one
# program and is gone.

SOCKET, REQUEST, RESULT = 3, 4, 5
REQUEST_HEADER = struct.Struct("<16sIQQIIIII")
RESULT_HEADER_BYTES = 64
CALLS_DONE = 16
RESULT_LENGTH = struct.Struct("<I")
ENDING = struct.Struct("<ci")
# Address space for the driver to report in when a program has used up its own.
HEADROOM_BYTES = 16 << 20
# A worker that runs longer than this is handed to the supervisor, which watches the deadlines.
SHORT_RUN_SECONDS = 0.02
# Frames below a program that a script would not have, counted by tests/contract.rs.
OWN_FRAMES = 4


class Run:
    """One request, read in the worker before the program exists."""

    def __init__(self, request, address_space):
        header = REQUEST_HEADER.unpack_from(request)
        self.nonce, self.calls, self.output_max, memory_max, cpu_seconds_max, *lengths = header
        parts = []
        at = REQUEST_HEADER.size
        for length in lengths:
            parts.append(request[at : at + length])
            at += length
        self.entry, self.source = str(parts[0], "utf-8"), str(parts[2], "utf-8")
        self.bans = [name for name in str(parts[1], "utf-8").split("\n") if name]
        self.arguments = [self.read_arguments(parts[3]) for _ in range(self.calls)]
        self.address_space = address_space + memory_max
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        cpu_seconds_max += int(time.process_time()) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds_max, cpu_seconds_max + 1))
        resource.setrlimit(ADDRESS_SPACE, (self.address_space, self.address_space + HEADROOM_BYTES))

    @staticmethod
    def read_arguments(data):
        (positional, keyword), _ = decode(data, 0)
        return positional, keyword


def ban(names, submodules):
    """Makes modules unimportable. A policy, not a wall: the walls are in part 2."""
    modules = sys.modules
    for name in names:
        for module in (name, "_" + name, *submodules.get(name, ())):
            modules[module] = None


def call_once(run, namespace, nth):
    """One call of the entry function, as a record. Tracing stops before any function of ours is entered."""
    positional, keyword = run.arguments[nth]
    try:
        value = namespace[run.entry](*positional, **keyword)
        stop_tracing(None)
        stop_profiling(None)
    except BaseException as exception:
        stop_tracing(None)
        return failure(exception, run)
    quiet(run)
    return value_record(value, run.output_max)


def failure(exception, run):
    """What a program raised, as a record. Its frames go first: they may hold all the memory there is."""
    set_traceback(exception, None)
    set_context(exception, None)
    quiet(run)
    if type(exception) is MemoryError:
        return b"M"
    return exception_record(exception)


def quiet(run):
    """Nothing of the program runs from here on: no tracing, no collection, no limit too low for us."""
    stop_tracing(None)
    stop_profiling(None)
    collect_off()
    recursion_limit(1000)
    headroom = run.address_space + HEADROOM_BYTES
    set_limit(ADDRESS_SPACE, (headroom, headroom))


def start_program(run, submodules):
    """The program's namespace, or the record of what stopped it."""
    program = type(sys)("__main__")
    sys.modules["__main__"] = program
    namespace = program.__dict__
    namespace["__builtins__"] = builtins
    ban(run.bans, submodules)
    try:
        code = compile(run.source, "<program>", "exec", 0, True)
    except BaseException as exception:
        return None, exception_record(exception)
    try:
        exec(code, namespace)
        stop_tracing(None)
        stop_profiling(None)
    except BaseException as exception:
        stop_tracing(None)
        return None, failure(exception, run)
    if run.entry not in namespace:
        return None, raised("NameError", "name '" + run.entry + "' is not defined")
    return namespace, None


def work(request, result, address_space, submodules):
    run = Run(request, address_space)
    recursion_limit(1000 + OWN_FRAMES)
    namespace, stopped = start_program(run, submodules)
    records = bytearray()
    for nth in range(run.calls):
        record = stopped if namespace is None else call_once(run, namespace, nth)
        records += record
        result[CALLS_DONE] = nth + 1
    result[RESULT_HEADER_BYTES : RESULT_HEADER_BYTES + len(records)] = records
    result[20:24] = RESULT_LENGTH.pack(len(records))
    result[0:16] = run.nonce
    exit_process(0)


def report_ending(channel, pid):
    """Waits for the worker. A long one is handed over: only the supervisor can kill."""
    if signal.sigtimedwait([signal.SIGCHLD], SHORT_RUN_SECONDS) is None:
        descriptor = os.pidfd_open(pid)
        socket.send_fds(channel, [ENDING.pack(b"p", 0)], [descriptor])
        os.close(descriptor)
        signal.sigwaitinfo([signal.SIGCHLD])
    _, status = os.waitpid(pid, 0)
    os.write(SOCKET, ENDING.pack(b"e", status))


def serve(settings, channel, request, result, address_space, submodules):
    while os.read(SOCKET, 1) == b"r":
        try:
            pid = os.fork() if settings["forks"] else 0
        except OSError as error:
            os.write(SOCKET, ENDING.pack(b"f", error.errno))
            continue
        if pid == 0:
            try:
                os.close(SOCKET)
                if DIE_WITH_PARENT is not None:
                    DIE_WITH_PARENT()
                work(request, result, address_space, submodules)
            finally:
                exit_process(1)
        report_ending(channel, pid)


def submodules_by_package():
    found = {}
    for name in list(sys.modules):
        package, dot, _ = name.partition(".")
        if dot:
            found.setdefault(package, []).append(name)
    return found


def forget_loading():
    """Takes away what loads files and what loaded this driver."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ctypes", "_ctypes")]:
        del sys.modules[name]
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__name__ != "PathFinder"]
    os.environ.clear()


def main():
    global LIBC, DIE_WITH_PARENT
    settings = json.loads(os.read(SOCKET, 1 << 16))
    preload()
    channel = socket.socket(fileno=SOCKET)
    request = mmap.mmap(REQUEST, settings["request_bytes"], mmap.MAP_SHARED, mmap.PROT_READ)
    result = mmap.mmap(RESULT, settings["result_bytes"], mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    with open("/proc/self/statm") as statm:
        address_space = int(statm.read().split()[0]) * mmap.PAGESIZE
    forget_loading()
    os.closerange(4, 4096)
    refused = shut_in(settings)
    # A process namespace ends with its first process; without one, each worker has to be told.
    DIE_WITH_PARENT = None if "pid" in settings["namespaces"] else die_with_supervisor
    if DIE_WITH_PARENT is None:
        LIBC = None
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if settings["forks"]:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    gc.collect()
    gc.freeze()
    hello = {"version": list(sys.version_info[:3]), "refused": refused}
    os.write(SOCKET, json.dumps(hello).encode())
    serve(settings, channel, request, result, address_space, submodules_by_package())
    exit_process(0)


try:
    main()
except BaseException as failure_to_start:
    os.write(SOCKET, b"!" + repr(failure_to_start).encode()[:1000])
    exit_process(1)
