# Becomes a program on a host that refuses things: `host.py SECONDS WHO RULE... -- PROGRAM ARGUMENT...`.
#
# A rule is `call,errno` or `call,errno,argument,test,value`, in numbers; the tests are 0 (equal), 1 (has one of these
# bits) and 2 (has none of them). The kernel applies the rules to the program and to all that it starts.

import ctypes
import os
import resource
import signal
import struct
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 38, 22, 2
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x50000
NUMBER, ARGUMENTS = 0, 16
# The capabilities that container engines leave to root, and those of root that has none.
CAPABILITIES = {"container": {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}, "bare": set()}
NOBODY = 65534
LIBC = ctypes.CDLL(None, use_errno=True)


def prctl(*arguments):
    if LIBC.prctl(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "prctl%r" % (arguments[:2],))


def instruction(code, operand, if_true=0, if_false=0):
    return struct.pack("<HBBI", code, if_true, if_false, operand)


def instructions(rule):
    call, errno, *test = map(int, rule.split(","))
    refuse = instruction(RETURN, ERRNO | errno)
    if not test:
        return instruction(EQUAL, call, 0, 1) + refuse
    argument, kind, value = test
    jump = (EQUAL, 0, 1) if kind == 0 else (ANY_BIT, 0, 1) if kind == 1 else (ANY_BIT, 1, 0)
    return b"".join(
        [
            instruction(EQUAL, call, 0, 4),
            instruction(LOAD, ARGUMENTS + 8 * argument),
            instruction(jump[0], value, *jump[1:]),
            refuse,
            instruction(LOAD, NUMBER),
        ]
    )


def become(who):
    if who == "timed":
        resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))
    if os.geteuid() != 0:
        return  # an ordinary user is one already
    if who == "nobody":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if who in CAPABILITIES:
        with open("/proc/sys/kernel/cap_last_cap") as last:
            capabilities = range(int(last.read()) + 1)
        for capability in capabilities:
            if capability not in CAPABILITIES[who]:
                prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def put_on(rules):
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    text = instruction(LOAD, NUMBER) + b"".join(map(instructions, rules)) + instruction(RETURN, ALLOW)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(text) // 8, text)), 0, 0)


seconds, who, *rest = sys.argv[1:]
end = rest.index("--")
become(who)
put_on(rest[:end])
# Outlives the change of the program: whatever hangs is ended.
signal.alarm(int(seconds))
os.execv(rest[end + 1], rest[end + 1 :])
