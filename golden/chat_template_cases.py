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
# Filters with their arguments.
add(0, r"""
{{ -5 | abs }}{{ 2.5 | abs }}{{ true | abs }}{{ (-5) | abs }}
{{ 'a' | abs }}
{{ messages[0] | attr('role') }}|{{ 'a' | attr('upper') is callable }}{{ messages[0] | attr('get') is callable }}
{{ 'a' | center(6) }}|{{ 'ab' | center(width=5) }}|{{ 5 | center(3) }}|
{{ 'foo bar' | capitalize }}{{ 'FOO' | capitalize }}{{ 5 | upper }}{{ none | upper }}{{ [1] | lower }}
{{ u | default('x') }}{{ none | default('x') }}{{ none | default('x', true) }}{{ '' | d('x', boolean=true) }}{{ 0 | d(1, true) }}{{ u | d }}|{{ u | default(default_value=3) }}
{{ u.x | default('y') }}
{{ 1000 | filesizeformat }}{{ 1 | filesizeformat }}{{ 999 | filesizeformat }}{{ 1500000 | filesizeformat }}{{ 2048 | filesizeformat(true) }}{{ 1e30 | filesizeformat }}{{ '1500' | filesizeformat }}{{ 0 | filesizeformat }}
{{ '3.7' | float }}{{ 'x' | float }}{{ 'x' | float(1.5) }}{{ ' 1e3 ' | float }}{{ none | float }}{{ true | float }}{{ '1_0' | float }}{{ '.5' | float }}{{ '5.' | float }}{{ '' | float }}{{ 'inf' | float | string }}
{{ '42' | int }}{{ '42.9' | int }}{{ 42.9 | int }}{{ -42.9 | int }}{{ ' 7 ' | int }}{{ '0x1A' | int(base=16) }}{{ '1A' | int(0, 16) }}{{ '101' | int(base=2) }}{{ 'x' | int(5) }}{{ none | int }}{{ [] | int(3) }}{{ true | int }}{{ '1_000' | int }}{{ '' | int }}{{ '0b11' | int(base=0) }}{{ '1e3' | int }}{{ 1e30 | int }}{{ '-5' | int }}{{ '+5' | int }}{{ '--5' | int }}{{ 'nan' | int(9) }}
{{ 'inf' | int(9) }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}|{{ 'a\n' | indent }}|{{ '' | indent(first=true) }}|{{ 'a\r\nb' | indent(1) }}
{{ 5 | indent }}
{{ [3, 1] | max }}{{ ['b', 'A'] | max }}{{ ['b', 'A'] | max(case_sensitive=true) }}{{ [] | max }}|{{ [1, 2.5, true] | min }}{{ 'hello' | max }}
{{ [1, 'a'] | max }}
{{ [u, 1] | sort }}
{{ [u, u] | sort | length }}{{ [[2, 1], [1, 2]] | sort }}{{ [(1, 'b'), (1, 'a')] | sort }}{{ [true, 0, 2] | sort }}{{ 'hello' | sort }}{{ {'b': 1, 'a': 2} | sort }}{{ [1, 1.0, true] | sort }}
{{ [1, 'a'] | sort }}
{{ [1, none] | sort }}
{{ [{'a': 1}] | sort }}{{ [] | sort }}
{{ [{'a': 1}, {'a': 2}] | sort }}
{{ 'a-b (c) [d' | title }}{{ "it's a dog" | title }}{{ 'ABC dEF' | title }}{{ 'a\nb' | title }}
{{ ' a ' | trim }}|{{ 'xax' | trim('x') }}{{ 5 | trim }}{{ '\n a \n' | trim }}{{ 'a' | trim(chars='a') }}|
{{ 'foo bar baz qux' | truncate(9) }}{{ 'foo bar baz qux' | truncate(9, true) }}{{ 'foo bar baz qux' | truncate(11) }}{{ 'foo bar baz qux' | truncate(11, false, '...', 0) }}{{ 'foobar' | truncate(3, leeway=0) }}{{ 'a' | truncate }}{{ 'foo bar' | truncate(5, end='', leeway=0) }}
{{ 'a' | truncate(2) }}
{{ 'a b/c?d=é&~' | urlencode }}{{ {'a b': 1, 'c': 'd&'} | urlencode }}{{ [('a', 'b/')] | urlencode }}{{ 5 | urlencode }}
{{ 'a, b_c; d1' | wordcount }}{{ '' | wordcount }}{{ 5 | wordcount }}
{{ {'class': 'a"b', 'x': none, 'y': 1} | xmlattr }}|{{ {'a': 1} | xmlattr(false) }}|{{ {} | xmlattr }}
{{ {'a b': 1} | xmlattr }}
{{ '<b>a</b>  <i>c</i>' | striptags }}{{ 'a < b' | striptags }}{{ '<!-- x --> y' | striptags }}{{ '<a' | striptags }}
{{ '&amp; &lt;' | striptags }}
{{ [1, 2, 3] | sum }}{{ [0.1, 0.2] | sum }}{{ [] | sum }}{{ [[1], [2]] | sum(start=[]) }}{{ [true, 2] | sum }}{{ [1, 2] | sum(start=0.5) }}
{{ ['a'] | sum }}
{{ ['a'] | sum(start='') }}
{{ [1, 2, 3, 4] | select('odd') | list }}{{ [1, 2, 3, 4] | reject('divisibleby', 2) | list }}{{ [0, 1, '', 'a'] | select | list }}{{ [0, 1] | reject | list }}{{ [1, 2, 3] | select('in', [1, 3]) | list }}{{ [1, 2, 3] | select('>', 1) | list }}
{{ [1] | select('nope') | list }}
{{ [1] | select('nope') is iterable }}
{{ [] | select('nope') | list }}{{ none | select('odd') | list }}{{ u | map('upper') | list }}{{ 0 | map('x') | list }}
{{ 5 | select('odd') | list }}
{{ ['a', 'b'] | map('upper') | list }}{{ ['a', 'b'] | map('replace', 'a', 'x') | list }}{{ ['1', 'x'] | map('int', default=7) | list }}{{ [[1, 2], [3]] | map('length') | list }}{{ [[2, 1]] | map('sort', reverse=true) | list }}{{ [' a'] | map('trim') | join }}{{ ['a'] | map('default', 'x') | first }}
{{ ['a'] | map('nope') | list }}
{{ ['a'] | map | list }}
{{ ['a'] | map(attribute='x', foo=1) | list }}
{{ [[1, 2], [3, 4]] | map(attribute=1) | list }}{{ [[1, 2]] | map(attribute='0') | list }}{{ [{'a': [5]}] | map(attribute='a.0') | list }}{{ messages | map(attribute='role') | join('-') }}
{{ messages | selectattr('role', 'in', ['user', 'system']) | map(attribute='content') | list }}{{ messages | selectattr('nope') | list }}{{ messages | rejectattr('role', '==', 'user') | map(attribute='role') | list }}
{{ messages | selectattr | list }}
{% if messages | selectattr('role', 'equalto', 'nobody') %}true{% endif %}
{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}
{% set g = [1, 2, 3] | select('odd') %}{% for x in g %}{{ x }}{{ loop.last }}{% endfor %}{% for x in g %}again{% else %}empty{% endfor %}
{{ [1, 2] | map('string') | length }}
{{ ([1, 2] | map('string'))[0] }}|{{ [1, 2] | map('string') | first }}{{ [1, 2] | select | last }}
{{ [3, 1] | reverse | first }}{{ (1, 2) | reverse | list }}{{ {'a': 1} | reverse | list }}{{ [1, 2] | map('string') | reverse }}{{ 'abc' | reverse }}
{{ 5 | reverse }}
{{ [1, 2, 3] | reverse | length }}
{{ 5 | list }}
{{ 'abc' | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ u | list }}{{ 'abc' | length }}{{ 'é👍' | count }}
{{ ['a', 'B', 'b', 'A'] | unique | list }}{{ [1, 1.0, true, 2] | unique | list }}{{ [{'a': 1}, {'a': 1}, {'a': 2}] | unique(attribute='a') | list }}
{{ [[1]] | unique | list }}
{{ {'a': 1}.items() | map('last') | list }}{{ {'a': 1} | items | list }}{{ {'a': 1}.items() | first }}{{ [1] | items | list }}
{{ 1 | string | length }}{{ 1.50 | string }}{{ none | string }}{{ [1] | string | first }}
{{ 'a' | upper | lower | replace('a', 'b') | e }}{{ 'a' | replace('a', 1) }}{{ 12 | replace(1, 2) }}{{ none | replace('o', 'x') }}{{ 'aa' | replace(old='a', new='b', count=1) }}
{{ 'a' | replace('a') }}
{{ 'a' | upper(1) }}
{{ 'a' | join(x=1) }}
{{ [1, 2] | join(d=', ', d=1) }}
{{ [1,2] | batch(0) | list }}
{{ [1] | pprint }}
{{ [1] | random }}
{{ 'http://a.b' | urlize }}
{{ 'a b c' | wordwrap(1) }}
{{ 1 | tojson }}{{ 'é' | tojson }}{{ '</script>' | tojson }}{{ (1, 2) | tojson }}{{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }}{{ 1e16 | tojson }}{{ [] | tojson(indent=2) }}{{ {} | tojson(indent=2) }}{{ {'a': []} | tojson(indent=4) }}{{ 2 ** 70 | tojson }}
{{ u | tojson }}
{{ {(1, 2): 1} | tojson }}
{{ range(2) | tojson }}
{{ [1] | map('string') | tojson }}
{{ {'b': 1, 1: 2} | tojson(sort_keys=true) }}
{{ {'b': {'d': 1, 'c': 2}, 'a': 1} | tojson(sort_keys=true, separators=(', ', ' : ')) }}{{ [1, [2]] | tojson(indent=2, separators=(';', '=')) }}{{ {'a': 1} | tojson(false, 2) }}{{ {'é': '👍'} | tojson(true) }}{{ [1] | tojson(indent=none) }}{{ [1] | tojson(indent=true) }}
{{ [1] | tojson(indent=-1) }}{{ [1] | tojson(indent='') }}{{ '\x7f\x00\x1f' | tojson }}{{ '\x7f' | tojson(ensure_ascii=true) }}{{ '/' | tojson }}
{{ 1 | tojson(foo=1) }}
{{ strftime_now('%Y-%m-%d %H:%M:%S') }}{{ strftime_now('%d %b %Y, %A %j %y %p %I %%') }}{{ strftime_now('%e %-m %D %R %F %T') }}{{ strftime_now('é') }}
{{ strftime_now() }}
{{ raise_exception('no') }}
{{ raise_exception(1) if false }}ok
{{ namespace(a=1) }}{{ namespace({'b': [1]}) }}{{ namespace() }}{{ namespace(a=1).a }}{{ namespace(a=1)['a'] }}|{{ namespace(a=1).b }}
{{ namespace(_a=1) }}
{{ caller }}|{{ self }}|{{ kwargs }}|{{ varargs }}|{{ loop }}|{{ true }}{{ True }}{{ none }}{{ None }}{{ false }}
{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ add_generation_prompt }}{{ tools }}{{ documents }}
""")
add(2, r"""
{{ tools | tojson }}
{{ tools[0] | tojson(indent=4) }}
{{ tools }}
{{ documents }}{{ image_token }}
{{ messages }}
{% for m in messages %}{{ m.role }}={{ m.content }};{{ m.content is defined }}{{ 'thinking' in m }}{{ m.keys() | list }}{% endfor %}
{% for m in messages %}{% if m.content is string %}{{ m.content }}{% elif m.content is iterable %}{% for p in m.content %}{{ p.text if p.type == 'text' else '<' ~ p.type ~ '>' }}{% endfor %}{% endif %}{% endfor %}
{% for m in messages if m.tool_calls %}{% for c in m.tool_calls %}{{ c.function.arguments | tojson }}{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}{% for k, v in c.function.arguments | items %}{{ k }}{{ v }}{% endfor %}{% endfor %}{% endfor %}
{{ messages[-1].content | selectattr('type', 'equalto', 'text') | map(attribute='text') | join }}{{ messages | map(attribute='name') | list }}
""")
# Scopes.
each(0, "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% if false %}{% set x = 1 %}{% endif %}[{{ x }}]",
     "{% for i in [1] %}{{ bos_token }}{% endfor %}{% set bos_token = 2 %}{{ bos_token }}", "{{ bos_token }}{% for i in [1] %}{{ bos_token }}{% endfor %}{% set bos_token = 2 %}{{ bos_token }}", "{% macro f() %}{{ bos_token }}{% endmacro %}{{ f() }}{% set bos_token = 2 %}{{ f() }}",
     "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns }}", "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}", "{% set x = 1 %}{% set x.a = 2 %}", "{% set u.a = 2 %}", "{% set ns = namespace() %}{% set ns._a = 1 %}", "{% set ns = namespace(a=1) %}{{ ns.a }}{% set ns.a %}b{% endset %}{{ ns.a }}",
     "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}", "{% set a, b = [1] %}", "{% set a, b = [1, 2, 3] %}", "{% set a, b = 5 %}", "{% set a, b = 'xy' %}{{ b }}", "{% set (a) = 3 %}{{ a }}", "{% set a, = [1] %}{{ a }}", "{% set a, b = u %}", "{% set true = 1 %}", "{% set 'a' = 1 %}", "{% set a.b.c = 1 %}", "{% set a['x'] = 1 %}", "{% set [a, b] = 1, 2 %}",
     "{% set x %}a{{ 1 }}b{% endset %}[{{ x }}]{{ x is string }}", "{% set x | upper %}a{% endset %}{{ x }}", "{% set x | length %}abc{% endset %}{{ x + 1 }}", "{% set x | replace('a', y) %}a{% endset %}{{ x }}", "{% set y = 'z' %}{% set x | replace('a', y) %}a{% endset %}{{ x }}", "{% set x | upper | lower %}aB{% endset %}{{ x }}",
     "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}[{{ a }}]", "{% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% set a = 9 %}{{ a }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}[{{ q }}]", "{% with (a, b) = (1, 2) %}{{ b }}{% endwith %}", "{% with a, b = 1, c = 2 %}{% endwith %}",
     "{% filter upper %}a{{ 'b' }}{% set z = 1 %}{{ z }}{% endfilter %}[{{ z }}]", "{% filter replace('a', 'b') | upper %}aa{% endfilter %}", "{% filter length %}abc{% endfilter %}", "{% filter trim %}\n a \n{% endfilter %}|", "{% filter nope %}a{% endfilter %}",
     "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in [1] %}{% continue %}{% else %}E{% endfor %}", "{% for i in [1] %}{% break %}{% else %}E{% endfor %}", "{% for i in [1, 2] %}{% if i == 1 %}{% continue %}{% endif %}{% else %}E{% endfor %}", "{% break %}", "{% for i in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "{% for i in [1, 2] %}{% set x %}a{% break %}{% endset %}{{ x }}{% endfor %}|", "{% for i in [1, 2] %}{% filter upper %}a{% continue %}{% endfilter %}{{ i }}{% endfor %}|", "{% for i in [] %}{% else %}{% break %}{% endfor %}", "{% for j in [1, 2] %}{% for i in [] %}{% else %}{{ j }}{% break %}{% endfor %}x{% endfor %}", "{% for i in [1] %}{% with a = 1 %}{% break %}{% endwith %}{% endfor %}ok", "{% for i in [1] recursive %}{% break %}{% else %}x{% endfor %}", "{% for j in [1] %}{% for i in [] recursive %}{% else %}{% break %}{% endfor %}{% endfor %}",
     "{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i // 2) }};{% endfor %}", "{% for i in [1] %}{{ loop }}{{ loop.nope }}|{{ loop is defined }}{{ loop | length }}{% endfor %}", "{% for i in [1, 2] %}{{ loop }}{% endfor %}", "{% for i in [1, 2] %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}", "{% for i in [1, 2] %}{{ loop.cycle() }}{% endfor %}", "{% for i in [1, 2] %}{{ loop(i) }}{% endfor %}", "{% for i in [1] %}{% set loop = 1 %}{% endfor %}", "{% for loop in [1] %}{% endfor %}", "{% for i in [1] %}{% with loop = 2 %}{{ loop }}{% endwith %}{% endfor %}",
     "{% for i in [1, 2] %}{% for j in [1] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for i in [1, 2] %}{% set outer = loop %}{% for j in [1, 2] %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}", "{% for i in [1, 2, 3, 4] if i is odd %}{{ i }}{{ loop.index }}{{ loop.length }}{{ loop.last }}{% endfor %}", "{% for i in [1, 3] if i is even %}{{ i }}{% else %}none{% endfor %}", "{% set ns = namespace(f=false) %}{% for i in [1, 2, 3] if not ns.f %}{{ i }}{% set ns.f = true %}{% endfor %}", "{% set ns = namespace(f=false) %}{% for i in [1, 2, 3] if not ns.f %}{{ i }}{{ loop.last }}{% set ns.f = true %}{% endfor %}", "{% for i in range(3) if loop %}{{ i }}{% endfor %}|", "{% for k, v in {'a': 1, 'b': 2}.items() if v > 1 %}{{ k }}{% endfor %}", "{% for i in [1, 2] if i > x %}{{ i }}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for i in 1, 2 %}{{ i }}{% endfor %}", "{% for i in [1, 2] if true else [] %}{{ i }}{% endfor %}",
     "{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ n.v }}{{ loop.depth }}({{ loop(n.c) }}){% endfor %}", "{% for n in [[1, [2]], [3]] recursive %}{% if n is iterable %}[{{ loop(n) }}]{% else %}{{ n }}{% endif %}{% endfor %}", "{% for n in [1] recursive %}{{ loop(5) }}{% endfor %}",
     "{% for i in [] %}a{% else %}b{% endfor %}", "{% for i in 'ab' %}{{ i }}{% endfor %}", "{% for i in [3] %}{% endfor %}[{{ i }}]", "{% set i = 9 %}{% for i in [3] %}{{ i }}{% endfor %}{{ i }}", "{% for m in messages %}{{ m['role'] }}{{ loop.index0 }}{{ messages[loop.index0 - 1].role }}{% endfor %}", "{% for m in messages[1:] %}{{ m.role }}{% endfor %}", "{% for m in messages | reverse %}{{ m.role }}{% endfor %}", "{% for i in [1, 2, 3] %}{{ i }}{{ ',' if not loop.last }}{% endfor %}")
# Macros.
each(0, "{% macro f(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(b=5, a=1) }}{{ f() }}{{ f(1, c=none) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(x=2) }}", "{% macro f(a) %}{{ a }}{{ kwargs }}{{ varargs }}{% endmacro %}{{ f(1, 2, 3, z=4) }}{{ f() }}", "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}", "{% macro f(a=b, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ f() }}", "{% macro f(a=1, b) %}{% endmacro %}", "{% macro f(a, a) %}{% endmacro %}", "{% macro f() %}{{ x }}{% endmacro %}{% set x = 3 %}{{ f() }}", "{% macro f() %}{% set x = 1 %}{{ x }}{% endmacro %}{{ f() }}[{{ x }}]", "{{ f }}{% macro f() %}{% endmacro %}{{ f }}", "{{ f() }}{% macro f() %}{% endmacro %}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(3) }}",
     "{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}x{% endcall %}", "{% macro f() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b=5) f() %}{{ a }}{{ b }}{% endcall %}", "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}", "{% macro f() %}{{ caller is defined }}{{ caller }}{% endmacro %}{{ f() }}", "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}", "{% macro f(caller) %}{{ caller() }}{% endmacro %}", "{% macro f(caller=none) %}{{ caller }}{% endmacro %}{{ f() }}", "{% macro f(a) %}{{ a }}{{ caller() }}{% endmacro %}{% for i in [1, 2] %}{% call f(i) %}{{ i }}{{ loop.index }}{% endcall %}{% endfor %}", "{% call 5 %}{% endcall %}", "{% call namespace() %}{% endcall %}", "{% set m = namespace() %}{% macro f() %}a{% endmacro %}{% set m.f = f %}{{ m.f() }}", "{% macro f(x) %}{{ x }}{% endmacro %}{{ [1, 2] | map('f') | list }}", "{{ [f] }}{% macro f(x) %}{% endmacro %}", "{% macro f(x) %}{% endmacro %}{{ [f] }}{{ f.name }}{{ f is callable }}{{ f == f }}", "{% for i in [1] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}[{{ f }}]", "{% macro f() %}{% macro g() %}g{% endmacro %}{{ g() }}{% endmacro %}{{ f() }}[{{ g }}]", "{% macro f(*a) %}{% endmacro %}", "{% macro f(a) -%} x {%- endmacro %}[{{ f(1) }}]", "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'x': 2}) }}", "{{ dict(**{'a': 1}) }}{{ range(*[1, 3]) | list }}", "{{ f(a=1, 2) }}", "{{ dict(a=1, **{'a': 2}) }}", "{{ f(**5) }}{{ dict(**5) }}", "{% macro f(x) %}{{ x }}{% endmacro %}{{ 'a' | upper ~ f('b') }}{{ f('a') | upper }}{{ f('a') is string }}{{ f('<') ~ '<' }}",
     "{% generation %}a{% endgeneration %}b", "{% for m in messages %}{%- generation %}{{ m.role }}{{ loop.index }}{% set q = 1 %}{% endgeneration -%}[{{ q }}]{% endfor %}", "{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}", "{% generation %}\n  a\n{% endgeneration %}\nb", "{% generation x %}{% endgeneration %}", "{% macro f() %}{% generation %}{{ caller() }}{% endgeneration %}{% endmacro %}{% call f() %}x{% endcall %}",
     "{% print 1, 'a' %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}", "{% block a %}x{% endblock %}", "{% autoescape true %}x{% endautoescape %}", "{% trans %}x{% endtrans %}", "{% do 1 %}", "{% debug %}", "{% if false %}{% include 'x' %}{% endif %}ok", "{% if true %}x", "{% endif %}", "{% for %}", "{% for x [1] %}{% endfor %}", "{% if %}{% endif %}", "{% set %}", "{% set x %}", "{% else %}", "{% if true %}{% else %}{% else %}{% endif %}", "{% if 1 %}a{% elif 2 %}b{% else %}c{% endif %}{% if 0 %}a{% elif 2 %}b{% else %}c{% endif %}{% if 0 %}a{% elif 0 %}b{% else %}c{% endif %}", "{% if 1, 2 %}a{% endif %}", "{% if x = 1 %}{% endif %}", "{{ a b }}", "{{ 1 2 }}", "{{ a | }}", "{{ a. }}", "{{ a[ }}", "{{ (1, }}", "{{ [1 }}", "{{ {'a' 1} }}", "{{ 'a' | upper() }}", "{{ a ? b }}", "{{ a; b }}", "{{ a && b }}", "{{ !a }}", "{{ a = 1 }}", "{{ lambda }}|{{ class }}|{{ def }}", "{{ dict(class=1) }}", "{{ _x }}|{{ __y }}", "{{ a.b.c }}", "{{ 1.real }}", "{{ 'a'.upper().lower() }}{{ ('a' | upper).lower() }}{{ [1, 2][0] }}{{ {'a': [1]}.a[0] }}{{ 'a,b'.split(',')[1].upper() }}", "{{ 3 | string.x }}", "{{ ﬁ }}", "{{ a[1:2, 3] }}", "{{ a[] }}", "{{ {'x': 1}[] }}", "{{ (((((((((((1))))))))))) }}", "{{ [[[[[[[[[[]]]]]]]]]] }}")
each(1, D + "{{ d.people[0].name ~ d.people[1]['name'] }}{{ d.people | map(attribute='age') | map('string') | join('+') }}", D + "{% for p in d.people | sort(attribute='name') %}{{ p.name }}{% endfor %}", D + "{{ d.words | map('upper') | sort | join }}", D + "{{ d.items | sum }}", D + "{% set ns = namespace(l=[]) %}{% for p in d.people %}{% set ns.l = ns.l + [p.name] %}{% endfor %}{{ ns.l }}",
     D + "{{ d.text.split(',')[0].strip() | upper }}{{ d.html.replace('<b>', '').replace('</b>', '') }}", D + "{{ d.nested[1].k[0] }}{{ d.nested[0][1][1] }}", D + "{{ d.dict.get('a') }}{{ d.dict.get('zz') }}{{ d.dict.get('zz', 0) }}{{ d.get('int') }}", "{{ messages[0].get('role') }}{{ messages[0].get('x', 'y') }}", D + "{{ d.dict.get() }}", D + "{{ d.dict.get([]) }}", D + "{{ d.dict.get('a', default=1) }}", D + "{{ d.text.isalpha() }}", D + "{{ d.lines | tojson }}{{ d.lines | indent(2) }}")
