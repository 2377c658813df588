# Part 4 of 9: collects the library, once for all templates of a sandbox: the standard library's modules and the database of
# time zones, in one region of memory that nobody can write to any more when it is complete.

SOCKET, LIBRARY = 3, 8
# Where the native modules are named and where the index is, with their sizes; zeros until the library is complete.
LIBRARY_HEADER = struct.Struct("<QQQQ")
MODULE_CODE, PACKAGE_CODE, MODULE_SOURCE, PACKAGE_SOURCE, EXTENSION, DATA = range(6)
F_ADD_SEALS, F_SEAL_SEAL, F_SEAL_FUTURE_WRITE = 1033, 1, 16
PYC_HEADER_BYTES = 16
# Of a file that is to be used whatever its source is.
NEVER_STALE = b"\x01\0\0\0"
NO_PACKAGES = ("__pycache__", "site-packages", "dist-packages", "tests")


class Shelf:
    """Writes one thing after the other into the library, equal ones once."""

    def __init__(self):
        self.end = LIBRARY_HEADER.size
        self.places = {}

    def put(self, content):
        place = self.places.get(content)
        if place is None:
            place = self.places[content] = self.end, len(content)
            self.end += write_all(content, self.end)
        return place


def write_all(content, at):
    done = 0
    while done < len(content):
        done += os.pwrite(LIBRARY, content[done : done + (1 << 20)], at + done)
    return done


def modules_under(directory, package, left_out):
    """Modules of a directory and of the packages in it: name, path, kind. Those of source come as source."""
    try:
        entries = sorted(os.scandir(directory), key=lambda it: it.name)
    except OSError:
        return
    endings = [*_imp.extension_suffixes(), ".py"]
    for entry in entries:
        ending = next((it for it in endings if entry.name.endswith(it)), "")
        name = package + entry.name.removesuffix(ending)
        if entry.name in NO_PACKAGES or name in left_out:
            continue
        if ending == ".py":
            if entry.name != "__init__.py":
                yield name, entry.path, MODULE_SOURCE
        elif ending:
            yield name, entry.path, EXTENSION
        elif entry.name.isidentifier() and os.path.isfile(entry.path + "/__init__.py"):
            yield name, entry.path + "/__init__.py", PACKAGE_SOURCE
            yield from modules_under(entry.path, name + ".", left_out)


def compiled(path):
    """What the interpreter has compiled of a source before, if that is of the same source."""
    directory, _, name = path.rpartition("/")
    name = name.removesuffix(".py") + "." + sys.implementation.cache_tag + ".pyc"
    try:
        with open(directory + "/__pycache__/" + name, "rb") as file:
            content = file.read()
    except OSError:
        return None
    status = os.stat(path)
    by_time = struct.pack("<III", 0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    is_fresh = content[:4] == bootstrap.MAGIC_NUMBER and (content[4:16] == by_time or content[4:8] == NEVER_STALE)
    return content[PYC_HEADER_BYTES:] if is_fresh else None


def module_entry(path, kind, shelf):
    if kind == EXTENSION:
        return kind, 0, 0, path
    content = compiled(path)
    if content is not None:
        kind = MODULE_CODE if kind == MODULE_SOURCE else PACKAGE_CODE
    else:
        with open(path, "rb") as file:
            content = file.read()
    return (kind, *shelf.put(content), path)


def collect_modules(directories, package, left_out, shelf, index):
    for directory in directories:
        for name, path, kind in modules_under(directory, package, left_out):
            if name not in index:
                try:
                    index[name] = module_entry(path, kind, shelf)
                except OSError:
                    pass  # not for this user to read


def collect_zones(directories, shelf, index):
    """Time zones, as the package `tzdata` that the module `zoneinfo` asks when it finds no file."""
    root = next(filter(os.path.isdir, directories), None)
    if root is None or "tzdata" in index:
        return
    zones = []
    for directory, inside, names in os.walk(root):
        inside[:] = [name for name in inside if name not in ("posix", "right")]
        package = directory[len(root) :]
        for name in names:
            with open(directory + "/" + name, "rb") as file:
                content = file.read()
            if content[:4] == b"TZif":
                zones.append((package + "/" + name).lstrip("/"))
                index["tzdata/zoneinfo" + package + "/" + name] = (DATA, *shelf.put(content), "")
        index["tzdata.zoneinfo" + package.replace("/", ".")] = (PACKAGE_SOURCE, *shelf.put(b""), "")
    index["tzdata"] = (PACKAGE_SOURCE, *shelf.put(b""), "")
    index["tzdata/zones"] = (DATA, *shelf.put("\n".join(sorted(zones)).encode()), "")


def collect_packages(directories, shelf, index):
    """All that lies in packages that are loaded from these directories."""
    for name, path in packages_from(directories):
        directory, _, file = path.rpartition("/")
        is_package = file == "__init__.py"
        kind = PACKAGE_SOURCE if is_package else MODULE_SOURCE if file.endswith(".py") else EXTENSION
        index.setdefault(name, module_entry(path, kind, shelf))
        if is_package:
            collect_modules([directory], name + ".", (), shelf, index)


def collect(directories):
    shelf, index = Shelf(), {}
    collect_modules([it for it in sys.path if it not in directories], "", LEFT_OUT, shelf, index)
    collect_packages(directories, shelf, index)
    collect_zones(getattr(sys.modules.get("zoneinfo"), "TZPATH", ()), shelf, index)
    extensions = [(name, path) for name, (kind, _, _, path) in index.items() if kind == EXTENSION]
    places = [shelf.put(marshal.dumps(it)) for it in (extensions, index)]
    write_all(LIBRARY_HEADER.pack(*places[0], *places[1]), 0)
    fcntl.fcntl(LIBRARY, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)


def collect_aside(directories):
    """In a process of its own: templates are all the same, the first one too."""
    try:
        child = os.fork()
    except OSError:
        return collect(directories)
    if child == 0:
        try:
            collect(directories)
            os._exit(0)
        except BaseException as failure_to_collect:
            os.write(SOCKET, b"!" + repr(failure_to_collect).encode()[:1000])
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        os._exit(1)


def open_library(directories):
    """The library: memory that can only be read. Packages come from these directories."""
    if os.pread(LIBRARY, LIBRARY_HEADER.size, 0) == bytes(LIBRARY_HEADER.size):
        collect_aside(directories)
    *_, start, length = LIBRARY_HEADER.unpack(os.pread(LIBRARY, LIBRARY_HEADER.size, 0))
    return memoryview(mmap.mmap(LIBRARY, start + length, mmap.MAP_SHARED, mmap.PROT_READ))


def load_extensions(content):
    """Loads libraries of native modules: nothing can be loaded later. The modules are made when they are imported."""
    start, length, *_ = LIBRARY_HEADER.unpack(content[: LIBRARY_HEADER.size])
    for name, path in marshal.loads(content[start : start + length]):
        if name not in sys.modules:
            try:
                _ctypes.dlopen(path, os.RTLD_NOW)
            except OSError:
                pass  # a library that it needs is not there; who imports it is told
