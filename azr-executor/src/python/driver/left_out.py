# The driver of a template, part 2 of 9: what python3 can import and a program cannot, with the reason that it is told. A
# name stands for all that lies in it. The README of the crate has the same table; tests/library.rs holds them together.

LEFT_OUT = {
    "it reads and writes memory by address": "_ctypes ctypes multiprocessing.sharedctypes",
    "it needs a terminal": """_curses _curses_panel curses readline _pyrepl._minimal_curses _pyrepl.curses _pyrepl.readline
    _pyrepl.simple_interact _pyrepl.unix_console _pyrepl.unix_eventqueue""",
    "it needs a display": "_tkinter idlelib tkinter turtle turtledemo",
    "it needs files": "_dbm _gdbm dbm.gnu dbm.ndbm",
    "it needs a network": "_ssl nis ssl",
    "it needs a device": "ossaudiodev",
    "it needs threads": "_interpchannels _interpqueues _interpreters _xxsubinterpreters concurrent.interpreters",
    "it opens a browser": "antigravity",
    "every run would pay for the memory of its library": "_crypt crypt",
    "it reads its grammar from files": "lib2to3",
    "it is made to test the interpreter": """_ctypes_test _testbuffer _testcapi _testclinic _testclinic_limited
    _testexternalinspection _testimportmultiple _testinternalcapi _testlimitedcapi _testmultiphase _testsinglephase
    _xxtestfuzz test xxlimited xxlimited_35""",
}
LEFT_OUT = {name: reason for reason, names in LEFT_OUT.items() for name in names.split()}
