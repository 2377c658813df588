# Part 7 of 9: shuts the template in. Each step is a layer; what the host refuses is reported by name and error number.

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_DUMPABLE, PR_SET_THP_DISABLE = 4, 41
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 22, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534
INFINITY = resource.RLIM_INFINITY


class Refused(Exception):
    """The host refused a step; the argument is the error number."""


def check(result):
    if result == -1:
        raise Refused(ctypes.get_errno())
    return result


def syscall(number, *arguments):
    return check(LIBC.syscall(ctypes.c_long(number), *arguments))


def mount(source, target, kind, flags, options=None):
    check(LIBC.mount(source, target, kind, ctypes.c_ulong(flags), options))


def empty_root():
    mount(None, b"/", None, MS_REC | MS_PRIVATE)
    mount(b"none", b"/proc", b"tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, b"size=4k,mode=0555")
    os.chdir("/proc")
    check(LIBC.pivot_root(b".", b"."))
    check(LIBC.umount2(b".", MNT_DETACH))
    os.chdir("/")
    mount(None, b"/", None, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)


def host_name():
    check(LIBC.sethostname(b"sandbox", 7))


def limits():
    fixed = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_SIGPENDING": 64,
        "RLIMIT_NICE": 0,
        "RLIMIT_RTPRIO": 0,
    }
    for name, value in fixed.items():
        number = getattr(resource, name, None)
        if number is not None:
            try:
                resource.setrlimit(number, (value, value))
            except (OSError, ValueError) as error:
                raise Refused(getattr(error, "errno", None) or 22)


def no_new_privileges():
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def give_up_root():
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as error:
        raise Refused(error.errno)


def own_users():
    check(LIBC.unshare(CLONE_NEWUSER))


def drop_capabilities():
    LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1 and ctypes.get_errno() != 22:
            break  # not permitted: the sets below are emptied nevertheless, and nothing can be executed
    header = struct.pack("<Ii", CAPABILITY_VERSION_3, 0)
    check(LIBC.capset(header, bytes(24)))


def landlock_rules():
    """Rules that allow nothing."""
    version = syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION)
    files = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}.get(version, 0xFFFF)
    ports = 0x3 if version >= 4 else 0
    scopes = 0x3 if version >= 6 else 0
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = struct.pack("<QQQ", files, ports, scopes)
    return syscall(LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(size), 0)


def landlock():
    rules = landlock_rules()
    syscall(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)


def can_be_watched():
    """A tracer without privileges needs this, and watching goes by small pages."""
    check(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
    LIBC.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def die_with_supervisor():
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def filter_calls(program):
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    check(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(program) // 8, program)), 0, 0))


def shut_in(settings):
    """Puts the layers on. Gives those that the host refused, whether one stays root, and landlock rules for workers."""
    refused = {}

    def put_on(layer, step, *arguments):
        try:
            return step(*arguments)
        except Refused as refusal:
            refused[layer] = refusal.args[0]

    # The order of docs/threat-model.md.
    if "mount" in settings["namespaces"]:
        put_on("root", empty_root)
    else:
        refused["root"] = 1
    if "uts" in settings["namespaces"]:
        put_on("uts", host_name)
    put_on("rlimits", limits)
    put_on("no-new-privs", no_new_privileges)
    keeps_root = False
    if settings["gives_up_root"]:
        put_on("capabilities", give_up_root)
        keeps_root = "capabilities" in refused
        put_on("user", own_users)
    put_on("capabilities", drop_capabilities)
    rules = put_on("landlock", landlock_rules if settings["rolls_back"] else landlock)
    if settings["rolls_back"]:
        can_be_watched()
    die_with_supervisor()
    put_on("seccomp", filter_calls, bytes.fromhex(settings["filter"]))
    return refused, keeps_root, -1 if rules is None else rules
