# Part 3 of 9: packages that are no part of the standard library, loaded from the interpreter's own site directory.


class NoPackage(Exception):
    """A package that is asked for and cannot be loaded: its name, and why."""


def add_site_directories():
    """What a start without `-S` would add: the site directories of the installation or of its virtual environment."""
    import site

    before = set(sys.path)
    site.addsitepackages(site.venv(set(before)))
    return [directory for directory in sys.path if directory not in before]


def load_packages(names):
    for name in names:
        try:
            package = importlib.import_module(name)
            warm_up = WARM_UPS.get(name)
            if warm_up is not None:
                warm_up(package)
        except BaseException as error:
            raise NoPackage(name, type(error).__name__ + ": " + str(error))
        if len(os.listdir("/proc/self/task")) != 1:
            raise NoPackage(name, "it starts threads, which no worker has")


def packages_from(directories):
    """The names of what was loaded from these directories: the packages, and those that they need."""
    found = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        path = getattr(spec, "origin", None) or ""
        if "." not in name and path.startswith(tuple(it + "/" for it in directories)):
            found.append((name, path))
    return found


def warm_up_numpy(numpy):
    """Its linear algebra takes a buffer at its first product, and keeps it; a worker may not map such a thing."""
    square = numpy.ones((64, 64)) + numpy.eye(64)
    numpy.linalg.inv(square @ square)


WARM_UPS = {"numpy": warm_up_numpy}
