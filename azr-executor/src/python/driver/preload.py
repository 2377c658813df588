# The driver of a template, part 1 of 9: loads what programs may import, while there are still files to load from.
#
# The last part is run by `python3 -c` and executes the others first. Descriptor 3 is the socket to the supervisor, 4 the
# request (read-only for everyone but the supervisor), 5 the result, 8 the library of what is loaded when it is imported.

import sys

if sys.path and sys.path[0] == "":
    del sys.path[0]
sys.orig_argv = []
sys.argv = [""]

import _ctypes
import _imp
import atexit
import builtins
import ctypes
import ctypes.util
import fcntl
import gc
import importlib
import io
import json
import marshal
import mmap
import os
import resource
import signal
import socket
import struct
import time

PRELOADED = """
__future__ abc argparse array ast base64 binascii bisect bz2 calendar cmath collections collections.abc colorsys contextlib
contextvars copy copyreg csv dataclasses datetime decimal difflib dis enum errno fnmatch fractions functools getopt glob
graphlib gzip hashlib heapq hmac html html.parser importlib inspect io ipaddress itertools keyword linecache locale
logging lzma math numbers opcode operator pathlib pickle platform pprint queue random re reprlib sched secrets select
selectors shlex shutil stat statistics string stringprep symtable tempfile textwrap threading timeit token tokenize
traceback types typing unicodedata urllib.parse uuid warnings weakref xml.etree.ElementTree zlib zoneinfo
_strptime encodings.ascii encodings.latin_1 encodings.utf_8 encodings.utf_8_sig encodings.utf_16 encodings.utf_16_le
encodings.utf_16_be encodings.utf_32 encodings.utf_32_le encodings.utf_32_be encodings.utf_7 encodings.cp1252
encodings.cp437 encodings.unicode_escape encodings.raw_unicode_escape encodings.hex_codec encodings.base64_codec
encodings.rot_13 encodings.zlib_codec encodings.punycode encodings.idna encodings.charmap
"""


# How modules are found in files, and without.
PathFinder = importlib._bootstrap_external.PathFinder
FINDERS = list(sys.meta_path)


def preload(packages):
    """Loads them, and gives the directories that packages came from."""
    # Hooks that run in every fork: they cost time, and there is one thread.
    register_at_fork, os.register_at_fork = os.register_at_fork, lambda **_: None
    for name in PRELOADED.split():
        try:
            __import__(name)
        except ImportError:
            pass  # not built into this interpreter
    directories = add_site_directories() if packages else []
    load_packages(packages)
    os.register_at_fork = register_at_fork
    return directories
