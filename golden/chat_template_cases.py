"""The small chat templates of `chat_templates.py`, in groups, and the conversations they are rendered over."""

import itertools

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Says what the weather is, in \"°C\" & <more>",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1.5}}, "required": ["city"]},
    },
}
DATA = {
    "role": "user",
    "content": "hi",
    "data": {
        "int": 7, "neg": -3, "big": 123456789012345678901234567890, "float": 2.5, "whole": 3.0, "tiny": 1e-7, "huge": 1e22,
        "yes": True, "no": False, "null": None, "empty": "", "text": "Hello, Wörld", "quote": "it's \"x\"\n\t\\", "zw": "a\u200bb\u00a0c\x7f",
        "list": [3, 1, 2], "mixed": [1, "a", None, True, 2.0], "nested": [[1, [2, 3]], {"k": [None]}], "words": ["b", "A", "c", "a"],
        "dict": {"b": 1, "a": 2, "C": 3}, "people": [{"name": "Ann", "age": 30, "city": {"n": "X"}}, {"name": "bob", "age": 25, "city": {"n": "Y"}}, {"name": "Cy", "age": 30}],
        "items": [1, 2], "get": "got", "emoji": "👍🏽é", "lines": "a\r\nb\rc\nd\x0be\u2028f", "html": "<b>Tom & \"Jerry\"'s</b>",
    },
}
CONTEXTS = [
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi <b>"}, {"role": "assistant", "content": "Hello"}],
     "tools": None, "documents": None, "special": {"bos_token": "<s>", "eos_token": "</s>"}, "add_generation_prompt": True},
    {"messages": [DATA], "tools": None, "documents": None, "special": {"bos_token": "<s>"}, "add_generation_prompt": False},
    {"messages": [{"role": "user", "content": "Weather?", "name": "ann"},
                  {"role": "assistant", "content": None, "reasoning": "think", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}}]},
                  {"role": "tool", "content": "sunny", "tool_call_id": "1"},
                  {"role": "user", "content": [{"type": "text", "text": "And "}, {"type": "image"}, {"type": "text", "text": "now?"}]}],
     "tools": [TOOL], "documents": [{"title": "T", "text": "D"}], "special": {"bos_token": "<s>", "image_token": "<image>"}, "add_generation_prompt": True},
]
CASES = []


def add(context, text):
    """One template a line."""
    CASES.extend((line, context) for line in text.strip("\n").split("\n"))


def each(context, *templates):
    """Templates with line ends of their own."""
    CASES.extend((template, context) for template in templates)


D = "{% set d = messages[0].data %}"

# What the reports of wrong prompts were about.
add(0, """
{% if tools is iterable and tools | length > 0 %}tools{% else %}none{% endif %} {{ messages[0].content }}
{% if messages[0]['tool_calls'] | length > 0 %}calls{% else %}none{% endif %}
{{ messages[0].tool_calls | first }}|
{% for t in tools %}x{% endfor %}y
{% if nothing < 3 %}a{% endif %}b
{{ ['a', 'b'] }}
{{ messages[0] }}
{{ ('a', 1) }}
{{ 1e16 }} {{ 1e-7 }}
{{ [none, true] }}{{ {'a': none} }}
{{ 'a b'.rsplit(' ', 1)[0] }}
{{ 'abc'.removeprefix('a') }}
{{ 'a=b'.partition('=')[2] }}
{{ 'abc'.index('b') }}
{{ 'a'.ljust(3) }}|
{{ '7'.zfill(3) }}
{{ 'abc'.startswith('b', 1) }}
{{ [1, 2].index(2) }}
{{ {'a': 1}.copy().a }}
{{ dict.fromkeys(['a'], 1).a }}
{{ '%s' % 'a' }}
{{ messages | join(',', attribute='role') }}
{{ [{'a': 1}] | sum(attribute='a') }}
{{ 'x' | int }}
{{ 'aab' | replace('a', 'x', 1) }}
{{ 'a b' | wordcount }}
{{ 'aaa bbb ccc ddd' | truncate(9) }}
{{ 'a b' | urlencode }}
{% set c = cycler('a', 'b') %}{{ c.next() }}
{% set j = joiner(',') %}{{ j() }}{{ j() }}x
{{ dict is callable }}
{% macro f(a) %}{{ varargs }}{% endmacro %}{{ f(1, 2) }}
{{ strftime_now('%-d %B %Y') }}
{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}
{% set é = 1 %}{{ é }}
{% set loop = 3 %}{{ loop }}
""")
each(0, "{% for m in messages %}\r\n<|{{ m.role }}|>\r\n{{ m.content }}\r\n{% endfor %}\r\n", "{{ 'a\r\nb' }}", "a\rb\r\rc\r\n")
add(2, "{% for m in messages %}{{ m.role }}:{{ m.reasoning_content }}{{ m.name }}{% for c in m.tool_calls %}{{ c.function.name }}{% endfor %}{{ m.content }};{% endfor %}")

# White space: each sign at each side of each kind of tag.
for (left, right), (open_tag, close_tag) in itertools.product(itertools.product("-+ ", "-+ "), [("{%", "%}"), ("{{", "}}"), ("{#", "#}")]):
    inner = {"{%": " set x = 1 ", "{{": " 'v' ", "{#": " c "}[open_tag]
    each(0, f"a \n  {open_tag}{left.strip()}{inner}{right.strip()}{close_tag}  \n\n b")
each(0, "  {% if true %}  \n  x\n  {% endif %}  \ny", "{% if true %}x{% endif %}\n\n", "\n\n{% if true %}x{% endif %}\n", "x\n", "x\n\n", "\n", "",
     "{% raw %}\n {{ a }} {% b %}\n{% endraw %}\nz", " {%- raw -%}  {{ a }}  {%- endraw -%} z", "  {% raw %}x{% endraw %}  \ny", "{% raw +%}x{% endraw %}", "a\n  {%+ raw %}x\n  {%+ endraw +%}\nb",
     "{# a #}\n{# b -#}\n\n c", "a {#- b #} c", "{#", "{# a", "{##}", "{#-#}x", "{{", "{{ 1", "{% if", "}}", "%}", "#}", "{ {", "{{ '}}' }}", "{{ {'a': {'b': 1}}['a']['b'] }}",
     "{{-1}}", "{{- 1 }}", "{{ 1-}}", "a {{-}}", "\u2003{%- set a = 1 -%}\u2003b", "a\x0b{%- set a = 1 -%}\x1cb", "{%set a=1%}{{a}}", "{%- if true -%}\n a \n{%- endif -%}\n b",
     "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\n", "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}\n", "\t {% set a = 1 %}\t\n{{ a }}", "x {% set a = 1 %}\n{{ a }}", "{{ 'a' }}\n{{ 'b' }}\n",
     "{% set x %}\n a\n{% endset %}[{{ x }}]", "a\n{%\nset\nx\n=\n1\n%}\n{{\nx\n}}\n", "{% if true: %}x{% endif %}", "{{ 'a\nb' }}", "{% comment %}x{% endcomment %}", "{% raw %}x", "{%%}", "{{ }}", "{% end %}")

# Strings.
each(0, r"{{ 'a\nb\tc\\d\'e\"f' }}", r'{{ "a\nb\tc\\d\'e\"f" }}', r"{{ '\x41\u00e9\U0001F600' }}", r"{{ '\101\0\7' | length }}", r"{{ '\q\é\%' }}", r"{{ '\N{BULLET}' }}", r"{{ '\ud83d\ude00' }}", r"{{ '\x4' }}", r"{{ '\u12' }}",
     "{{ 'a\\\nb' }}", r"{{ '\a\b\f\v' | tojson }}", "{{ 'é' 'a' \"b\" }}", "{{ 'a\\' }}", "{{ 'a }}", r"{{ '\U00110000' }}", r"{{ 'C:\new' }}", r"{{ '\\n' }}", r"{{ '\8' }}", r"{{ '\400' }}")
add(1, "\n".join(D + line for line in """
{{ d.quote }}|{{ [d.quote] }}|{{ d.quote | tojson }}
{{ [d.zw] }}|{{ d.zw | tojson }}|{{ d.zw | tojson(ensure_ascii=true) }}
{{ [d.emoji] }}|{{ d.emoji | tojson(ensure_ascii=true) }}|{{ d.emoji | length }}|{{ d.emoji[0] }}
{{ d.lines.splitlines() }}{{ d.lines.splitlines(true) }}
{{ d }}
{{ d | tojson }}
{{ d | tojson(indent=2) }}
{{ d.dict | tojson(sort_keys=true) }}{{ d.dict | tojson(sort_keys=true, indent=1) }}
{{ d.mixed | tojson(indent='--') }}{{ d.nested | tojson(indent=0) }}
{{ d.items }}{{ d['items'] }}{{ d.get }}{{ d['get'] }}
{{ d.big }}{{ d.big + 1 }}{{ d.big * d.big }}{{ d.big // 7 }}{{ d.big % 1000 }}{{ -d.big }}
{{ d.float }}|{{ d.whole }}|{{ d.tiny }}|{{ d.huge }}|{{ d.float | tojson }}|{{ d.huge | tojson }}|{{ d.tiny | tojson }}
{{ d.null }}|{{ d.missing }}|{{ d.yes }}|{{ d.empty }}|{{ d.null | tojson }}
{{ d.text | upper }}{{ d.text | lower }}{{ d.text | title }}{{ d.text | capitalize }}{{ d.text.swapcase() }}
{{ d.text.upper() }}{{ d.text.title() }}{{ d.text.capitalize() }}{{ d.text[::-1] }}{{ d.text[1:5:2] }}{{ d.text[-3:] }}
{{ d.html | e }}|{{ d.html | safe }}|{{ d.html | forceescape }}|{{ d.html | striptags }}
{{ (d.html | safe) + '<i>' }}|{{ '<i>' + (d.html | safe) }}|{{ (d.html | safe) ~ '<i>' }}|{{ (d.html | e) | e }}
{{ [d.html | safe] }}{{ d.html | safe | upper }}{{ (d.html | safe) == d.html }}{{ (d.html | safe) is string }}{{ d.html | e is escaped }}
{{ d.html | safe | replace('<', '[') }}{{ d.html | safe | trim }}{{ (d.html | safe).strip('<') }}{{ (d.html|safe).split('&') }}
{{ d.list | sort }}{{ d.list | sort(reverse=true) }}{{ d.words | sort }}{{ d.words | sort(case_sensitive=true) }}{{ d.words | sort(true, true) }}
{{ d.people | sort(attribute='age') | map(attribute='name') | join(',') }}{{ d.people | sort(attribute='age,name', reverse=true) | map(attribute='name') | list }}
{{ d.people | map(attribute='city.n') | list }}
{{ d.people | map(attribute='city.n', default='?') | list }}{{ d.people | map(attribute='zip', default='?') | join }}
{{ d.people | selectattr('age', 'equalto', 30) | map(attribute='name') | list }}{{ d.people | rejectattr('city') | list | length }}{{ d.people | selectattr('city.n', 'defined') | list | length }}
{{ d.people | groupby('age') }}
{{ d.people | groupby('age') | map(attribute='grouper') | list }}{% for a, l in d.people | groupby('age') %}{{ a }}{{ l | length }}{% endfor %}
{% for g in d.people | groupby('name') %}{{ g.grouper }}{{ g.list | length }}{{ g[0] }}{% endfor %}
{{ d.people | groupby('zip') }}
{{ d.people | groupby('city.n', default='Z') | map('first') | list }}
{{ d.people | map(attribute='name') | map('lower') | unique | list }}{{ d.words | unique | list }}{{ d.words | unique(true) | list }}
{{ d.people | sum(attribute='age') }}{{ d.people | map(attribute='age') | sum(start=1) }}{{ d.people | max(attribute='age') }}{{ d.people | min(attribute='name') }}
{{ d.dict | dictsort }}{{ d.dict | dictsort(true) }}{{ d.dict | dictsort(false, 'value') }}{{ d.dict | dictsort(by='value', reverse=true) }}{{ d.dict | dictsort(by='x') }}
{{ d.dict | dictsort(false, 'value') }}{{ d.dict.items() | list }}{{ d.dict | items | list }}{{ d.dict | list }}{{ d.dict | first }}{{ d.dict | last }}{{ d.dict | length }}
{{ d.dict.keys() }}{{ d.dict.values() }}{{ d.dict.items() }}{{ d.dict.keys() | list }}
{{ 'a' in d.dict }}{{ 'a' in d.dict.keys() }}{{ 1 in d.dict.values() }}{{ ('a', 2) in d.dict.items() }}{{ 'x' not in d.dict }}{{ 3 in d.list }}{{ true in [1] }}{{ '' in 'abc' }}
{{ d.list[0] }}{{ d.list[-1] }}{{ d.list[9] }}{{ d.list['x'] }}{{ d.list.0 }}{{ d.list[true] }}{{ d.list[1.0] }}{{ d.list[none] }}
{{ d.list[1:] }}{{ d.list[:-1] }}{{ d.list[::-1] }}{{ d.list[5:] }}{{ d.list[::2] }}{{ d.list[-2:9:1] }}{{ d.list[2:0:-1] }}{{ d.list[none:none] }}
{{ d.list[::0] }}
{{ d.list['a':] }}
{{ d.dict[:1] }}
{{ d.null[0:1] }}
{{ d.null.x }}|{{ d.null['x'] }}|{{ d.int.x }}|{{ d.int[0] }}|{{ d.text.x }}|{{ d.text['x'] }}|{{ d.float.x }}|{{ d.yes.x }}
{{ d.missing.x }}
{{ d.missing['x'] }}
{{ d.list.append(1) }}
{{ d.list.append }}|{{ d.list.append is defined }}|{{ d.dict.update }}|{{ d.dict.pop is defined }}|{{ d.__class__ }}|{{ d.text.__len__ }}
{{ d.text.__class__.__mro__ }}
{{ d.dict.pop('a') }}
{{ d.people[0].name.__class__() }}
{% for k, v in d.dict.items() %}{{ loop.index }}{{ k }}{{ v }}{% endfor %}{% for k in d.dict %}{{ k }}{% endfor %}
{% for a, b in d.list %}x{% endfor %}
{% for a in d.int %}x{% endfor %}
{% for a in d.null %}x{% endfor %}
{% for a in d.missing %}x{% else %}none{% endfor %}{% for c in 'aé👍' %}{{ c }}-{% endfor %}
{{ d.list | first }}{{ d.list | last }}{{ d.empty | first }}{{ [] | last }}{{ d.text | first }}{{ d.text | last }}{{ d.list | reverse | list }}{{ d.text | reverse }}
{{ d.list | batch(2) | list }}{{ d.list | batch(2, 'x') | list }}{{ d.list | slice(2) | list }}{{ d.list | slice(2, 'x') | list }}{{ d.list | batch(-1) | list }}{{ d.list | slice(5) | list }}
{{ d.list | join }}{{ d.mixed | join(', ') }}{{ d.people | join('|', attribute='name') }}{{ d.mixed | join(1) }}{{ d.text | join('.') }}{{ d.dict | join }}
{{ d.float | round }}{{ 3.5 | round }}{{ 2.675 | round(2) }}{{ 1234.5 | round(-2) }}{{ 7 | round }}{{ 15 | round(-1) }}{{ 25 | round(-1) }}{{ 2.1 | round(0, 'ceil') }}{{ 2.19 | round(1, 'floor') }}{{ -0.4 | round }}{{ true | round }}
{{ d.text is string }}{{ d.int is number }}{{ d.yes is number }}{{ d.yes is integer }}{{ d.yes is boolean }}{{ d.float is float }}{{ d.null is none }}{{ d.list is sequence }}{{ d.dict is mapping }}{{ d.dict is sequence }}{{ d.text is iterable }}{{ d.missing is iterable }}{{ d.missing is sequence }}{{ d.null is iterable }}{{ d.int is iterable }}
{{ d.missing is defined }}{{ d.missing is undefined }}{{ d.missing is none }}{{ d.missing is string }}{{ d.missing is callable }}{{ d.missing is mapping }}{{ d.missing == d.other }}{{ d.missing != 1 }}{{ d.missing is eq(d.nope) }}
{{ d == d }}{{ d.list == [3, 1, 2] }}{{ d.list == (3, 1, 2) }}{{ d.dict == {'C': 3, 'a': 2, 'b': 1} }}{{ d.list < [3, 2] }}{{ [1, 'a'] < [1, 'b'] }}{{ (1, 2) <= (1, 2) }}{{ d.yes == 1 }}{{ d.whole == 3 }}{{ 'a' < 'b' }}{{ 'Z' < 'a' }}
{{ d.list < d.dict }}
{{ d.text < d.int }}
{{ d.null < 1 }}
{{ [1, 'a'] < ['a', 1] }}
{{ d.dict == {'a': 1} }}{{ d.null == none }}{{ d.null != false }}{{ 0 == false }}{{ '' == none }}{{ 1.0 == 1 }}{{ d.big == d.big + 0.0 }}{{ d.big > 1e29 }}{{ d.huge > d.big }}
{{ d | length }}{{ d.nested | tojson }}{{ d.nested }}{{ d.mixed }}
{{ d.zw.split() }}{{ d.zw.strip() }}{{ d.text.split(', ') }}{{ d.text.encode }}
""".strip("\n").split("\n")))

# Undefined values at every place of every operator.
for operator in ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]:
    add(0, f"[{{{{ u {operator} 1 }}}}]\n[{{{{ 1 {operator} u }}}}]\n[{{{{ 'a' {operator} u }}}}]\n[{{{{ u {operator} u }}}}]")
for name in "abs attr('x') batch(2)|list capitalize center(4) count default('x') d dictsort e escape filesizeformat first float forceescape format groupby('x') indent int items|list join last length list lower map('upper')|list max min reject|list rejectattr('x')|list replace('a','b') reverse|list round safe select|list selectattr('x')|list slice(2)|list sort string striptags sum title tojson trim truncate unique|list upper urlencode wordcount xmlattr".split():
    each(0, f"[{{{{ u | {name} }}}}]", f"[{{{{ none | {name} }}}}]")
    each(0, f"[{{{{ 5 | {name} }}}}]", f"[{{{{ 'aB c' | {name} }}}}]")
    each(0, f"[{{{{ [2, 1] | {name} }}}}]")
for name in "boolean callable defined divisibleby(2) eq(1) escaped even false filter float ge(1) gt(1) in([1]) integer iterable le(1) lower lt(1) mapping ne(1) none number odd sameas(none) sequence string test true undefined upper".split():
    each(0, f"{{{{ u is {name} }}}}", f"{{{{ none is {name} }}}}", f"{{{{ 4 is {name} }}}}", f"{{{{ 'abc' is {name} }}}}", f"{{{{ [1] is not {name} }}}}", f"{{{{ 2.0 is {name} }}}}", f"{{{{ true is {name} }}}}")
for operator in ["+", "-", "*", "/", "//", "%", "**"]:
    for left, right in [("7", "2"), ("-7", "2"), ("7", "-2"), ("7.5", "2"), ("-7.5", "2"), ("true", "3"), ("2", "0"), ("2.0", "0"), ("'a'", "3"), ("[1]", "2"), ("(1,)", "(2,)"), ("none", "1"), ("2", "'a'"), ("[1]", "[2]"), ("0.1", "0.2"), ("{}", "{}")]:
        each(0, f"{{{{ {left} {operator} {right} }}}}")

# Numbers as they are written.
add(0, r"""
{{ 1_000 }}{{ 0x1F }}{{ 0b101 }}{{ 0o17 }}{{ 00 }}{{ 1.5e3 }}{{ 1e5 }}{{ 1E-3 }}{{ 1_0.5_0 }}{{ 100000000000000000000 }}
{{ 0.1 }}{{ 1.0 }}{{ 100.0 }}{{ 1e15 }}{{ 123456789012345680.0 }}{{ 1e22 }}{{ 0.0001 }}{{ 0.00001 }}{{ 5e-324 }}{{ 1.7976931348623157e308 }}{{ 2.5e-5 }}{{ 1.25 }}
{{ 007 }}
{{ 1. }}
{{ .5 }}
{{ 1e400 }}
{{ 0xg }}
{{ 1_ }}
{{ - 1 }}{{ +1 }}{{ --1 }}{{ -1 ** 2 }}{{ 2 ** -1 }}{{ 2 ** 3 ** 2 }}{{ -2.0 }}{{ +true }}{{ -true }}{{ not 1 }}{{ -'a' }}
{{ 2 ** 100 }}{{ 10 ** 30 // 7 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 % -3 }}{{ 7.5 // -2 }}{{ -7.5 % 2 }}{{ 1 / 3 }}{{ 4 / 2 }}{{ 0.1 + 0.2 }}{{ 1e308 * 10 }}
{{ 2 ** 0.5 }}{{ 4 ** 0.5 }}{{ 0 ** 0 }}{{ 0.0 ** 0 }}{{ 9 ** -2 }}
{{ (-8) ** 0.5 }}
{{ 0 ** -1 }}
{{ 2 ** 100000 }}
{{ 10 ** 400 / 3 }}
{{ 1 + 2 * 3 - 4 / 2 }}{{ (1 + 2) * 3 }}{{ 2 * 3 ~ 4 + 1 }}{{ 1 ~ 2 + 3 }}{{ '1' ~ 2 * 3 }}{{ 1 + 1 ~ 1 }}
{{ 1 < 2 < 3 }}{{ 1 < 2 > 3 }}{{ 3 > 2 >= 2 != 1 }}{{ 1 == 1.0 == true }}{{ not 1 == 2 }}{{ 1 in [1] == true }}{{ 'a' in 'abc' in ['abc'] }}{{ not 'a' in 'b' }}
{{ 1 if true }}{{ 1 if false }}|{{ 1 if false else 2 if false else 3 }}{{ (1 if true) + 1 }}{{ 1 if u else 2 }}{{ 'a' if 1 is odd else 'b' }}
{{ 1 and 2 }}{{ 0 and 2 }}{{ 0 or '' or 'x' }}{{ [] or {} }}{{ none or u }}|{{ u or 1 }}{{ true and false or true }}{{ not [] }}
{{ [1, 2] + [3] }}{{ (1,) + (2,) }}{{ [1] * 2 }}{{ 2 * 'ab' }}{{ 'ab' * -1 }}|{{ 'a' 'b' * 2 }}{{ [] * 3 }}{{ [[]] * 2 }}
{{ 1, 2 }}{{ (1) }}{{ (1,) }}{{ () }}{{ [1,] }}{{ {'a': 1,} }}{{ {} }}{{ {1: 2, 1.0: 3, true: 4} }}{{ {none: 1, (1, 2): 2} }}{{ {'a': 1, 'a': 2} }}
{{ {[]: 1} }}
{{ {'a': 1}['a'] }}{{ {'a': 1}.a }}{{ {1: 'x'}[1.0] }}{{ {'a': 1}.b }}|{{ {'a': 1}[[]] }}|{{ [1, 2][[0]] }}|{{ {(1, 2): 3}[1, 2] }}{{ [3][-1] }}{{ 'abc'[1] }}{{ 'abc'[7] }}
{{ (1, 2).count(1) }}{{ [1, 2, 1].count(1) }}{{ [1, 2, 1].index(1, 1) }}{{ (5, 6).index(6) }}{{ [1, true].count(1) }}
{{ [1].index(2) }}
{{ range(3) }}{{ range(3) | list }}{{ range(1, 10, 3) | list }}{{ range(5, 0, -2) | list }}{{ range(3)[1] }}{{ range(10)[2:8:2] }}{{ range(10)[::-1] | list }}{{ 2 in range(3) }}{{ range(0) | length }}{{ range(3) == range(0, 3) }}
{{ range(100001) }}
{{ range(100000) | length }}
{{ range(1, 2, 0) }}
{{ range(1.5) }}
{{ range('a') }}
{{ range() }}

{{ dict(a=1, b=2) }}{{ dict([('a', 1)]) }}{{ dict({'a': 1}, b=2) }}{{ dict() }}{{ dict([[1, 2], 'ab']) }}
{{ dict([1]) }}
{{ dict.fromkeys('ab') }}{{ {}.fromkeys([1], 2) }}{{ dict.x }}|{{ dict }}
{{ 'abc'.upper }}
{{ [1] | map('upper') }}
{{ u() }}
{{ messages() }}
{{ 'abc'() }}
{{ nofilter | nofilter }}
{% if false %}{{ 1 | nofilter }}{% endif %}ok
{% if true %}{{ 1 | nofilter }}{% endif %}ok
{% for a in [] %}{{ 1 | nofilter }}{% endfor %}ok
{% if false %}{% for a in [1] %}{{ a | nofilter }}{% endfor %}{% endif %}ok
{{ 1 if true else 1 | nofilter }}{{ 1 if true else (1 is notest) }}
{{ 1 is notest }}
{{ 'upper' is filter }}{{ 'nope' is filter }}{{ 'odd' is test }}{{ 'nope' is test }}{{ '==' is test }}
{{ 1 is odd is even }}
{{ 1 is sameas 1 }}
{{ true is sameas true }}{{ none is sameas none }}{{ [] is sameas [] }}{{ 1 is sameas true }}
{{ 3 is in [3] }}{{ 3 is not in [3] }}{{ 'a' is in 'abc' }}{{ 5 is divisibleby 5 }}{{ 5 is divisibleby(2) }}{{ 1 is eq 1 }}{{ 1 is == 1 }}{{ 3 is ge 2 and 1 }}
{{ 1 is lt 2 }}{{ 1 is lessthan 2 }}{{ 1 is greaterthan 2 }}{{ 'a' is ne 'b' }}{{ 1 is gt '1' }}
{{ x is defined if x else 3 }}
{{ 1 is defined if true else 2 }}
""")
# Strings: methods.
add(0, r"""
{{ 'aXbXc'.split('X') }}{{ 'aXbXc'.split('X', 1) }}{{ 'aXbXc'.rsplit('X', 1) }}{{ ' a  b '.split() }}{{ ' a  b  c '.split(none, 1) }}{{ ' a  b  c '.rsplit(none, 1) }}{{ ''.split() }}{{ ''.split(',') }}{{ 'a,b'.split(sep=',', maxsplit=0) }}{{ 'ab'.split(',', -1) }}
{{ 'abc'.split('') }}
{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}{{ 'abc'.partition('-') }}{{ 'abc'.rpartition('-') }}
{{ 'xxaxx'.strip('x') }}{{ 'xxaxx'.lstrip('x') }}{{ 'xxaxx'.rstrip('x') }}[{{ '\t a \n'.strip() }}][{{ ' a '.lstrip() }}][{{ ' a '.rstrip() }}]{{ 'abcba'.strip('ab') }}{{ 'a'.strip(none) }}
{{ 'abc'.find('c') }}{{ 'abc'.find('x') }}{{ 'abcabc'.rfind('c') }}{{ 'abcabc'.find('c', 3) }}{{ 'abc'.find('a', 1) }}{{ 'abc'.find('', 3) }}{{ 'abc'.find('', 4) }}{{ 'éab'.find('b') }}{{ 'abc'.find('b', -2) }}{{ 'abc'.find('c', 0, 2) }}{{ 'abcabc'.rfind('a', 0, -3) }}
{{ 'abc'.index('x') }}
{{ 'abcabc'.rindex('a') }}{{ 'banana'.count('an') }}{{ 'banana'.count('a', 2) }}{{ 'aaa'.count('aa') }}{{ 'abc'.count('') }}{{ 'banana'.count('a', 1, 4) }}
{{ 'abc'.startswith('ab') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.endswith('c', 0, 2) }}{{ 'abc'.endswith(('b', 'c')) }}{{ 'abc'.startswith('') }}{{ 'abc'.startswith('', 4) }}{{ 'abc'.startswith('c', -1) }}
{{ 'abc'.startswith(1) }}
{{ 'abc'.startswith(['a']) }}
{{ 'abab'.replace('a', 'x') }}{{ 'abab'.replace('a', 'x', 1) }}{{ 'abc'.replace('', '-') }}{{ 'abc'.replace('', '-', 2) }}{{ 'abc'.replace('b', '') }}{{ 'aaa'.replace('a', 'b', -1) }}{{ 'aaa'.replace('a', 'b', 0) }}
{{ 'abc'.replace('a', 1) }}
{{ '-'.join(['a', 'b']) }}{{ ''.join('abc') }}{{ ','.join({'a': 1, 'b': 2}) }}{{ '-'.join([]) }}|{{ ','.join(['a'] | map('upper')) }}
{{ '-'.join([1]) }}
{{ '-'.join(u) }}|{{ '-'.join(none) }}
{{ 'a'.center(4) }}|{{ 'ab'.center(5, '*') }}|{{ 'a'.ljust(3, '.') }}{{ 'a'.rjust(3, '.') }}{{ '-7'.zfill(5) }}{{ '+7'.zfill(4) }}{{ 'abc'.zfill(2) }}{{ 'abc'.center(4) }}|{{ 'abcd'.center(7) }}|
{{ 'a'.ljust(3, 'xy') }}
{{ 'a\tb'.expandtabs() }}|{{ 'a\tb'.expandtabs(4) }}|{{ 'ab\tc\n\td'.expandtabs(tabsize=3) }}
{{ 'aB1'.isalnum() }}{{ 'aB'.isalpha() }}{{ '12'.isdigit() }}{{ '1a'.isdigit() }}{{ ' '.isspace() }}{{ ''.isspace() }}{{ 'ab'.islower() }}{{ 'AB'.isupper() }}{{ '1'.isupper() }}{{ 'Ab Cd'.istitle() }}{{ 'AB'.istitle() }}{{ 'a_1'.isidentifier() }}{{ '1a'.isidentifier() }}{{ 'é'.isascii() }}{{ '1'.isnumeric() }}{{ '1'.isdecimal() }}
{{ 'hello wOrld'.title() }}{{ 'hello wOrld'.capitalize() }}{{ "they're bill's".title() }}{{ 'aBc'.swapcase() }}{{ 'ABC'.casefold() }}{{ 'ÄÖ'.lower() }}{{ 'straße'.upper() }}{{ 'ΑΣ'.lower() }}{{ 'ÉCOLE a'.title() }}
{{ 'abc'.removesuffix('c') }}{{ 'abc'.removesuffix('x') }}{{ 'abc'.removeprefix('') }}{{ 'abc'.removesuffix('') }}
{{ 'a\nb\r\nc\rd'.splitlines() }}{{ 'a\n'.splitlines() }}{{ ''.splitlines() }}{{ 'a\n\nb'.splitlines(keepends=true) }}
{{ 'abc'.encode() }}
{{ 'abc'.nomethod() }}
{{ 'abc'.upper(1) }}
{{ 'abc'.split(1) }}
{{ '{} {}'.format(1, 'a') }}{{ '{1}{0}'.format(1, 2) }}{{ '{a}{b}'.format(a=1, b=[2]) }}{{ '{{}}'.format() }}{{ '{0.role}{0[content]}'.format(messages[0]) }}{{ '{!r}{!s}'.format('a', 'b') }}
{{ '{:5}|{:<5}|{:>5}|{:^5}|{:*^5}'.format('a', 'b', 'c', 'd', 'e') }}{{ '{:5}|{:<5}|{:^5}|{:05}|{:+}|{: }'.format(1, 2, 3, 4, 5, 6) }}
{{ '{:.2f}|{:8.3f}|{:e}|{:g}|{:%}|{:,}|{:x}|{:b}|{:o}|{:X}'.format(1.005, 2.5, 12345.678, 0.0001, 0.25, 1234567, 255, 5, 8, 255) }}{{ '{:,.2f}'.format(1234567.891) }}{{ '{:_}'.format(1000000) }}
{{ '{:.3}'.format('abcdef') }}{{ '{:{w}}|'.format('a', w=4) }}{{ '{:d}'.format(true) }}{{ '{}'.format(true) }}{{ '{}'.format(none) }}{{ '{}'.format(1.0) }}{{ '{}'.format([1, 'a']) }}{{ '{}'.format(u) }}|{{ '{:>4}'.format(-3) }}{{ '{:=5}'.format(-3) }}{{ '{:05.1f}'.format(-2.25) }}
{{ '{:d}'.format('a') }}
{{ '{:s}'.format(1) }}
{{ '{:5}'.format(none) }}
{{ '{} {0}'.format(1) }}
{{ '{'.format(1) }}
{{ '}'.format(1) }}
{{ '{}'.format() }}
{{ '{a}'.format() }}
{{ '{0.__class__}'.format('a') }}|
{{ '{a}{b}'.format_map({'a': 1, 'b': 2}) }}
{{ '%s %s' % ('a', 1) }}{{ '%d' % 3.7 }}{{ '%05d|%-5d|%+d|% d' % (1, 2, 3, 4) }}{{ '%.2f|%8.3f|%e|%g|%G' % (1.005, 2.5, 12345.678, 0.00001, 1e20) }}{{ '%x%X%o' % (255, 255, 8) }}{{ '%r%s' % ('a', 'a') }}{{ '%%' % () }}
{{ '%(a)s %(b)03d' % {'a': 'x', 'b': 7} }}{{ '%5s|%-5s|%.2s' % ('a', 'b', 'cde') }}{{ '%*d' % (5, 42) }}{{ '%s' % [1, 2] }}{{ '%s' % none }}{{ '%s' % u }}|{{ '%i%u' % (1, 2) }}{{ '%g|%g|%g' % (100000, 1000000, 0.1) }}{{ 'abc' % [] }}{{ 'abc' % {} }}{{ '%.3d' % 5 }}{{ '%06.2f' % -1.5 }}
{{ '%s' % ('a', 'b') }}
{{ '%s %s' % 'a' }}
{{ '%d' % 'a' }}
{{ '%q' % 1 }}
{{ 'abc' % 1 }}
{{ '%(a)s' % 1 }}
{{ '%(x)s' % {'a': 1} }}
{{ '%' % 1 }}
{{ '%s-%s' | format('a', 1) }}{{ '%(a)s' | format(a=1) }}{{ 'a' | format }}
{{ '%s' | format('a', 'b') }}
{{ '%c' % 'a' }}
{{ '%a' % 'é' }}
""")
