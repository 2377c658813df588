# Part 5 of 9: imports from the library, in workers, where there are no files. A module is executed when a program imports it;
# what it is made of lies in memory that all processes share and nobody can write to.

bootstrap = importlib._bootstrap_external


class Library:
    """Finds and loads modules of the library; the last in `sys.meta_path`."""

    def __init__(self, content, place, loaded):
        self.content = content
        # Where the index is, and what it says; the latter once it is needed, for it takes memory that is copied at a fork.
        self.place = place
        self.entries = None
        # Modules that stay what they are where a ban hides them.
        self.loaded = loaded

    @property
    def index(self):
        if self.entries is None:
            start, length = self.place
            self.entries = marshal.loads(self.content[start : start + length])
        return self.entries

    def find_spec(self, name, path=None, target=None):
        kind, _, _, path = self.index.get(name, (None, 0, 0, ""))
        if kind is None:
            reason = LEFT_OUT.get(name)
            if reason is not None and sys._getframe(2).f_globals.get("__name__") != "importlib.util":
                told = "No module named %r: it is not offered in the sandbox (%s)" % (name, reason)
                raise ModuleNotFoundError(told, name=name)
            return None
        if kind == EXTENSION:
            return bootstrap.spec_from_file_location(name, path, loader=bootstrap.ExtensionFileLoader(name, path))
        inside = [path.rpartition("/")[0]] if self.is_package(name) else None
        return bootstrap.spec_from_file_location(name, path, loader=self, submodule_search_locations=inside)

    def is_package(self, name):
        return self.index[name][0] in (PACKAGE_CODE, PACKAGE_SOURCE)

    def read(self, name):
        _, start, length, _ = self.index[name]
        return self.content[start : start + length]

    def get_code(self, name):
        kind, _, _, path = self.index[name]
        if kind in (MODULE_SOURCE, PACKAGE_SOURCE):
            return compile(bytes(self.read(name)), path, "exec", 0, True)
        code = marshal.loads(self.read(name))
        _imp._fix_co_filename(code, path)
        return code

    def get_source(self, name):
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        hidden = self.show_banned()
        try:
            name = module.__spec__.name
            exec(self.get_code(name), module.__dict__)
            adapt = ADAPTED.get(name)
            if adapt is not None:
                adapt(module)
        finally:
            self.hide_again(hidden)

    def show_banned(self):
        """A ban is for programs; the library's own modules import what they need, as those did that were there before."""
        modules = sys.modules
        hidden = [name for name, module in modules.items() if module is None]
        for name in hidden:
            if name in self.loaded:
                modules[name] = self.loaded[name]
            else:
                del modules[name]
        return hidden

    def hide_again(self, hidden):
        modules = sys.modules
        inside = tuple(name + "." for name in hidden)
        for name in [*hidden, *(name for name in modules if name.startswith(inside))] if hidden else ():
            module = modules.get(name)
            if module is not None:
                self.loaded[name] = module
            modules[name] = None

    def get_resource_reader(self, name):
        return Data(self, name.replace(".", "/") + "/")


class Data:
    """Files of a package, for `importlib.resources`."""

    def __init__(self, library, start):
        self.library = library
        self.start = start

    def open_resource(self, name):
        if not self.is_resource(name):
            raise FileNotFoundError(name)
        return io.BytesIO(self.library.read(self.start + name))

    def resource_path(self, name):
        raise FileNotFoundError(name)

    def is_resource(self, name):
        return self.start + name in self.library.index

    def contents(self):
        names = (name.removeprefix(self.start) for name in self.library.index if name.startswith(self.start))
        return [name for name in names if "/" not in name]
