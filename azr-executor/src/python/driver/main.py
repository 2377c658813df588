# Part 9 of 9: hands over to the native part, which serves requests with workers of its own; or, where each run has a
# fresh interpreter, runs one program here. The latter is the slow truth that the native part is tested against.

import sys

# One after the other: compiling them as one text would leave a MiB more of the template's memory written to.
for part in sys.argv[1:]:
    exec(part)
del part

REQUEST, RESULT, NATIVE, STORE = 4, 5, 6, 7
# The directory /proc, where a worker that is rolled back learns what to watch.
PROC = -1
# What the native part has addresses of.
KEPT = []
REQUEST_HEADER = struct.Struct("<16sIQQIIIII")
RESULT_HEADER_BYTES = 64
CALLS_DONE = 16
RESULT_LENGTH = struct.Struct("<I")
# Address space for the driver to report in when a program has used up its own.
HEADROOM_BYTES = 16 << 20
# Frames below a program that a script would not have, counted by tests/lifecycle.rs; under the native part there are none.
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
        set_limit(resource.RLIMIT_NPROC, (0, 0))
        set_limit(resource.RLIMIT_NOFILE, (8, 8))
        cpu_seconds_max += int(time.process_time()) + 1
        set_limit(resource.RLIMIT_CPU, (cpu_seconds_max, cpu_seconds_max + 1))
        set_limit(ADDRESS_SPACE, (self.address_space, self.address_space + HEADROOM_BYTES))

    @staticmethod
    def read_arguments(data):
        (positional, keyword), _ = decode(data, 0)
        return positional, keyword


def set_no_limit(number, limits):
    """On a host that refuses limits, and is said to."""


def ban(names, submodules):
    """Makes modules unimportable. A policy, not a wall: the walls are in part 7."""
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
    run.was_collecting, run.recursion_limit = is_collecting(), recursion_limit_now()
    collect_off()
    recursion_limit(1000)
    headroom = run.address_space + HEADROOM_BYTES
    set_limit(ADDRESS_SPACE, (headroom, headroom))


def loud(run):
    """The program goes on as if its last call had not been reported."""
    set_limit(ADDRESS_SPACE, (run.address_space, run.address_space + HEADROOM_BYTES))
    recursion_limit(run.recursion_limit)
    if run.was_collecting:
        collect_on()


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
        if nth and namespace is not None:
            loud(run)
        record = stopped if namespace is None else call_once(run, namespace, nth)
        records += record
        result[CALLS_DONE] = nth + 1
    result[RESULT_HEADER_BYTES : RESULT_HEADER_BYTES + len(records)] = records
    result[20:24] = RESULT_LENGTH.pack(len(records))
    result[0:16] = run.nonce
    exit_process(0)


def serve_once(request, result, address_space, submodules):
    """Runs one program in this very process."""
    try:
        if os.read(SOCKET, 1) == b"r":
            os.close(SOCKET)
            work(request, result, address_space, submodules)
    finally:
        # Without the interpreter's own way out, on which a program's code would run.
        exit_process(1)


def submodules_by_package():
    found = {}
    for name in list(sys.modules):
        package, dot, _ = name.partition(".")
        if dot:
            found.setdefault(package, []).append(name)
    return found


def forget_loading(content):
    """Takes away what loads files and what loaded this driver. From now on modules come from the library."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ctypes", "_ctypes")]:
        del sys.modules[name]
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    keep_apart(Library, Data)
    library = Library(content, LIBRARY_HEADER.unpack(content[: LIBRARY_HEADER.size])[2:], dict(sys.modules))
    sys.meta_path[:] = [*(finder for finder in FINDERS if finder is not PathFinder), library]
    os.environ.clear()


def native_settings(settings, windows, store, address_space, submodules, rules):
    """What the native part is told, as it lays it out: 64 bits each. Objects live as long as the process."""
    worker_filter = ctypes.create_string_buffer(bytes.fromhex(settings["worker_filter"]))
    objects = [compile, "<program>", "exec", 0, builtins, type_name, exception_arguments, BUILT_IN_EXCEPTIONS]
    objects += [INT_MAX, -INT_MAX, submodules, atexit._clear, *LIBRARY_TYPES]
    words = [settings["rolls_back"], SOCKET, "pid" not in settings["namespaces"], address_space, *windows]
    words += [settings["result_bytes"], *map(id, objects), PROC, rules]
    words += [ctypes.addressof(worker_filter), len(worker_filter) // 8]
    words += [*store, settings["store_bytes"], STORE]
    words = (ctypes.c_int64 * len(words))(*words)
    KEPT.extend([objects, worker_filter, words])
    return words


def map_window(descriptor, length, protection):
    LIBC.mmap.restype = ctypes.c_void_p
    address = LIBC.mmap(None, ctypes.c_size_t(length), protection, mmap.MAP_SHARED, descriptor, ctypes.c_long(0))
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    return address


def close_all_but(kept):
    at = SOCKET + 1
    for descriptor in [*sorted(kept), 4096]:
        os.closerange(at, descriptor)
        at = descriptor + 1


def serve_at_exit(library, words):
    """Has the native part called when this driver has ended, so that a program finds no frame above its own."""
    threading = sys.modules["threading"]
    shutdown = threading._shutdown
    threading._shutdown = tuple  # called before: there is no thread to wait for
    atexit.register(library.azr_serve, words)
    # This driver leaves garbage when it ends, and the next collection would be due in a program.
    atexit.register(gc.freeze)
    atexit.register(gc.collect)
    atexit.register(setattr, threading, "_shutdown", shutdown)


def main():
    global LIBC, PROC, set_limit
    settings = json.loads(os.read(SOCKET, 1 << 16))
    directories = preload(settings["packages"])
    content = open_library(directories)
    load_extensions(content)
    is_native = settings["native"]
    if is_native:
        library = ctypes.PyDLL("/proc/self/fd/%d" % NATIVE)
        library.azr_serve.restype = None
        windows = [
            map_window(REQUEST, settings["request_bytes"], mmap.PROT_READ),
            map_window(RESULT, settings["result_bytes"], mmap.PROT_READ | mmap.PROT_WRITE),
        ]
    else:
        request = mmap.mmap(REQUEST, settings["request_bytes"], mmap.MAP_SHARED, mmap.PROT_READ)
        result = mmap.mmap(RESULT, settings["result_bytes"], mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    with open("/proc/self/statm") as statm:
        address_space = int(statm.read().split()[0]) * mmap.PAGESIZE
    store = [0]
    if settings["rolls_back"]:
        PROC = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        store = [map_window(STORE, settings["store_bytes"], mmap.PROT_READ | mmap.PROT_WRITE)]
    forget_loading(content)
    close_all_but([PROC, STORE] if settings["rolls_back"] else [])
    submodules = submodules_by_package()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    refused, keeps_root, rules = shut_in(settings)
    if "rlimits" in refused:
        set_limit = set_no_limit
    if is_native:
        words = native_settings(settings, windows, store, address_space, submodules, rules)
    gc.collect()
    gc.freeze()
    hello = {"version": list(sys.version_info[:3]), "refused": refused, "keeps_root": keeps_root}
    LIBC = None
    os.write(SOCKET, json.dumps(hello).encode())
    if is_native:
        return serve_at_exit(library, words)
    serve_once(request, result, address_space, submodules)


try:
    main()
except NoPackage as missing:
    os.write(SOCKET, b"?" + json.dumps([text[:1000] for text in missing.args]).encode())
    exit_process(1)
except BaseException as failure_to_start:
    os.write(SOCKET, b"!" + repr(failure_to_start).encode()[:1000])
    exit_process(1)
