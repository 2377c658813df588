# Part 8 of 9: turns what a program gave into bytes, without running a line of the program.
#
# Types are compared by identity and read by the interpreter's own C code: no method, no attribute and no comparison of
# a program's object is ever asked for. Everything used here was looked up before the program ran.

globals().update({name: value for name, value in vars(builtins).items() if name[:2] != "__"})

NoneType = type(None)
type_name = type.__dict__["__name__"].__get__
exception_arguments = BaseException.__dict__["args"].__get__
set_traceback = BaseException.__dict__["__traceback__"].__set__
set_context = BaseException.__dict__["__context__"].__set__
dict_get, dict_items, str_encode, int_bits, int_bytes = dict.get, dict.items, str.encode, int.bit_length, int.to_bytes
float_bytes = struct.Struct("<d").pack
complex_bytes = struct.Struct("<dd").pack
complex_parts = complex.__dict__["real"].__get__, complex.__dict__["imag"].__get__
length_bytes = struct.Struct("<I").pack
exit_process, collect_off, collect_on, is_collecting = os._exit, gc.disable, gc.enable, gc.isenabled
stop_tracing, stop_profiling = sys.settrace, sys.setprofile
recursion_limit, recursion_limit_now = sys.setrecursionlimit, sys.getrecursionlimit
set_limit = resource.setrlimit
ADDRESS_SPACE = resource.RLIMIT_AS

as_text = str
PLAIN = str, bytes, int, float, bool, NoneType
BUILT_IN_EXCEPTIONS = *(
    value for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, BaseException)
),

NODES_MAX = 100_000
DEPTH_MAX = 96
INT_BITS_SURE = 14_284
INT_MAX = 10**4300
CLASS_CHARACTERS_MAX = 200
MESSAGE_CHARACTERS_MAX = 500
SEQUENCES = {list: b"l", tuple: b"t", set: b"e", frozenset: b"z"}


class TooLarge(Exception):
    pass


class Unsupported(Exception):
    pass


def encode(value, bytes_max):
    """A value as typed bytes; raises TooLarge, or Unsupported with a class and a message."""
    out = bytearray()
    nodes = 0
    open_iterators = [iter((value,))]
    while open_iterators:
        for item in open_iterators[-1]:
            nodes += 1
            if nodes > NODES_MAX or len(out) > bytes_max:
                raise TooLarge
            kind = type(item)
            if kind is int:
                if int_bits(item) > INT_BITS_SURE and not -INT_MAX < item < INT_MAX:
                    raise Unsupported("ValueError", "Exceeds the limit (4300 digits) for integer string conversion")
                size = int_bits(item) // 8 + 1
                out += b"i" + length_bytes(size) + int_bytes(item, size, "little", signed=True)
            elif kind is str:
                if len(item) > bytes_max:
                    raise TooLarge
                try:
                    text = str_encode(item, "utf-8")
                except UnicodeEncodeError:
                    raise Unsupported("UnsupportedType", "str with a lone surrogate")
                out += b"s" + length_bytes(len(text))
                out += text
            elif kind is bool:
                out += b"T" if item else b"F"
            elif kind is NoneType:
                out += b"N"
            elif kind is float:
                out += b"d" + float_bytes(item)
            elif kind is bytes:
                if len(item) > bytes_max:
                    raise TooLarge
                out += b"b" + length_bytes(len(item))
                out += item
            elif kind is complex:
                out += b"c" + complex_bytes(complex_parts[0](item), complex_parts[1](item))
            elif kind in SEQUENCES or kind is dict:
                if len(item) > NODES_MAX:
                    raise TooLarge
                if len(open_iterators) > DEPTH_MAX:
                    raise Unsupported("UnsupportedType", "a value nested deeper than 96 levels")
                if kind is dict:
                    out += b"m" + length_bytes(len(item))
                    open_iterators.append(iter([part for pair in dict_items(item) for part in pair]))
                else:
                    out += SEQUENCES[kind] + length_bytes(len(item))
                    open_iterators.append(iter(item))
                break
            else:
                raise Unsupported("UnsupportedType", type_name(kind))
        else:
            open_iterators.pop()
    if len(out) > bytes_max:
        raise TooLarge
    return out


def text_bytes(text, characters_max):
    encoded = str_encode(text[:characters_max], "utf-8", "backslashreplace")
    return length_bytes(len(encoded)) + encoded


def raised(name, message):
    return b"X" + text_bytes(name, CLASS_CHARACTERS_MAX) + text_bytes(message, MESSAGE_CHARACTERS_MAX)


def exception_record(exception):
    """The class by the interpreter's own record of its name, and the message."""
    arguments = exception_arguments(exception)
    return raised(type_name(type(exception)), exception_message(type(exception), arguments))


def exception_message(kind, arguments):
    """What the interpreter would print of a built-in exception with plain arguments: an equal one is made, which has
    nothing of the program's. Of any other, the first of the first two arguments that is a string."""
    if type(arguments) is not tuple:
        return ""
    if any(kind is one for one in BUILT_IN_EXCEPTIONS) and all(type(it) in PLAIN for it in arguments):
        try:
            return as_text(kind(*arguments))
        except BaseException:
            pass
    for argument in arguments[:2]:
        if type(argument) is str:
            return argument
    return ""


def value_record(value, bytes_max):
    try:
        return b"R" + encode(value, bytes_max)
    except TooLarge:
        return b"O"
    except MemoryError:
        return b"M"
    except Unsupported as refusal:
        return raised(*refusal.args)


def decode(data, at):
    """A value of ours, and where it ends. Only arguments come this way, written by the supervisor."""
    tag = data[at]
    at += 1
    if tag == 78:
        return None, at
    if tag == 84 or tag == 70:
        return tag == 84, at
    if tag == 100:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if tag == 99:
        return complex(*struct.unpack_from("<dd", data, at)), at + 16
    size = int.from_bytes(data[at : at + 4], "little")
    at += 4
    if tag == 105:
        return int.from_bytes(data[at : at + size], "little", signed=True), at + size
    if tag == 115:
        return str(data[at : at + size], "utf-8"), at + size
    if tag == 98:
        return data[at : at + size], at + size
    if tag == 109:
        items = {}
        for _ in range(size):
            key, at = decode(data, at)
            items[key], at = decode(data, at)
        return items, at
    elements = []
    for _ in range(size):
        element, at = decode(data, at)
        elements.append(element)
    if tag == 108:
        return elements, at
    return (tuple if tag == 116 else set if tag == 101 else frozenset)(elements), at
