"""More of the templates of `chat_template_cases.py`: filters, scopes and macros. Importing it adds them, in order."""

from chat_template_cases import D, add, each

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
