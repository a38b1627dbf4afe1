"""Small templates, one for each thing of the language that chat templates use, and its edges."""

CONTEXT = {
    "s": "Hello, World",
    "empty": "",
    "padded": "  two words\n",
    "lines": "first\n\n  second\nthird",
    "uni": "Straße ΑΣ ﬁ é ☃ 漢字",
    "quotes": "it's \"quoted\" \\ back",
    "n": 7,
    "neg": -3,
    "zero": 0,
    "f": 2.5,
    "t": True,
    "no": False,
    "nothing": None,
    "l": [3, 1, 2],
    "names": ["b", "A", "c", "a"],
    "mixed": [1, "a", None, True, 2.5, [1], {"k": "v"}],
    "d": {"b": 1, "a": "two", "items": 3, "C": [1, 2]},
    "nested": {"x": {"y": {"z": "deep"}}, "list": [{"v": 1}, {"v": 2}, {"w": 3}]},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi <|im_end|>"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "  Bye  "},
    ],
    "html": "<a href=\"x\">'&'</a>",
}

EXPRESSIONS = r"""
s
nothing
t
no
n
f
missing
l
d
mixed
nested
quotes
[quotes, uni, html]
()
(1,)
(1, 2)
1, 2
[]
{}
[1, [2, (3, [])], {}]
{'a': 1, 'b': [1, 2], 3: 'c', none: true}
'a' 'b' "c"
'tab\tnew\nquote\'s \\ \x41 \u00e9 \q \101'
"it's"
1_000
0x1f + 0b101 + 0o17
1.5e3
1e-7
1e16
1e15
123456789.123456789
0.1 + 0.2
1/3
1e300 * 1e10
-1e300 * 1e10
5 // 2
-5 // 2
5 // -2
-5 % 3
5 % -3
5.5 // 2
-5.5 % 2
7.0 // 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
2 ** 0.5
10 / 2
10 / 4
1 / 0
1 // 0
1 % 0
1 + true
true + true
'a' + 'b'
'a' + 1
1 + 'a'
'a' * 3
3 * 'ab'
'a' * -1
[1] * 2
[1] + [2]
(1,) + (2,)
[1] + (2,)
[] + none
'a' ~ 1 ~ none ~ true ~ [1] ~ missing
1 ~ 2
1 + 2 ~ 3
1 ~ 2 + 3
2 * 3 ~ 4
-n
+n
- f
-'a'
--1
-1|abs
-n|abs
(1 + 2) * 3
1 + 2 * 3 - 4
1 == 1.0
1 == true
'1' == 1
none == false
missing == missing
missing == none
missing != 1
[1, 2] == [1, 2]
[1] == (1,)
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
1 < 2
1 < 2 < 3
1 < 3 < 2
1 < 2 > 1
1 <= 1.0 >= 1
'a' < 'b'
'a' < 'B'
'a' < 'aa'
[1, 2] < [1, 3]
(1, 2) < (1, 2, 3)
1 < 'a'
none < 1
missing < 1
1 in [1, 2]
'ell' in s
'' in s
'xyz' not in s
1 not in [1, 2]
'a' in d
'z' in d
1 in s
1 in n
'a' in missing
missing in [1]
missing in 'abc'
2 in (1, 2)
1 in {1: 2}
1.0 in {1: 2}
not true
not missing
not ''
not 'a' in ['a']
not not 1
true and false
1 and 2
0 and 2
'' or 'x'
0 or none
1 or missing.foo
missing or 'default'
1 and 2 or 3
0 or 1 and 2
not 1 == 2
'a' if true else 'b'
'a' if false else 'b'
'a' if false
('a' if false) is defined
'a' if 0 else 'b' if 0 else 'c'
'a' if missing
1 if n > 5 else 2
s[0]
s[-1]
s[100]
s[1:3]
s[:-1]
s[::-1]
s[::2]
s[-5:]
s[5:2]
s[100:]
s[-100:3]
s[2:None]
s[::0]
l[0]
l[-1]
l[5]
l[1:]
l[::-1]
l[:-1]
l[0:2]
l[true]
(1, 2, 3)[1:]
(1,2,3)[-1]
d['a']
d["items"]
d.a
d.missing
d['missing']
d.missing.foo
d[1]
d[[1]]
nested.x.y.z
nested['x']['y'].z
nested.list[1].v
nested.list.1.v
nested.list[0]['v']
l.0
mixed.6.k
s.foo
s.foo.bar
s['upper']()
n.foo
none.foo
nothing.foo
missing.foo
missing['foo']
missing[0]
missing[1:]
missing()
missing|length
missing|upper
missing|list
missing|join(',')
missing + 1
missing ~ 'x'
missing * 2
-missing
missing|string
missing|default('d')
missing|default
missing|d('x')
''|default('d')
''|default('d', true)
''|default('d', boolean=true)
none|default('d')
none|default('d', true)
d.missing|default('dm')
s|upper
s|lower
uni|upper
uni|lower
uni|title
uni|capitalize
'hello wORLD-foo (bar) [baz]'|title
'hello wORLD-foo (bar)'.title()
"they're bill's"|title
"they're bill's".title()
padded|trim
'xxaxx'|trim('x')
padded.strip()
padded.lstrip()
padded.rstrip()
'xxaxx'.strip('x')
'xyax'.lstrip('xy')
'xyax'.rstrip('x')
'\u00a0a\u2003'.strip()|length
s|length
uni|length
l|length
d|length
n|length
none|length
s|count
l|join
l|join(', ')
l|join('-')
names|join(d='|')
nested.list|join(',', attribute='v')
[1, none, true, 'a']|join(',')
s|join('-')
d|join(',')
l|list
s|list
d|list
none|list
n|list
(1, 2)|list
d|items|list
missing|items|list
d|dictsort
d|dictsort(true)
{'b': 2, 'a': 3, 'C': 1}|dictsort
{'b': 2, 'a': 3, 'C': 1}|dictsort(true)
{'b': 2, 'a': 3, 'C': 1}|dictsort(by='value')
{'b': 2, 'a': 3, 'C': 1}|dictsort(false, 'key', true)
{'b': 2, 'a': 3}|dictsort(by='other')
l|first
l|last
[]|first
[]|last
''|first
s|first
s|last
d|first
none|first
s|replace('l', 'L')
s|replace('l', 'L', 1)
s|replace('', '-')
s|replace('zzz', 'y')
s.replace('l', 'L')
s.replace('l', 'L', 2)
s.replace('', '.')
''.replace('', 'x')
n|replace('7', '8')
l|sort
l|sort(reverse=true)
names|sort
names|sort(case_sensitive=true)
names|sort(true)
nested.list[:2]|sort(attribute='v', reverse=true)
messages|sort(attribute='role')|map(attribute='content')|list
messages|sort(attribute='role,content')|map(attribute='content')|list
[1, 'a']|sort
l|reverse|list
s|reverse
d|reverse|list
none|reverse
[1, 1, 2, 'a', 'A']|unique|list
[1, 1, 2, 'a', 'A']|unique(true)|list
messages|unique(attribute='role')|map(attribute='content')|list
l|sum
messages|map('length')|sum
nested.list[:2]|sum(attribute='v')
nested.list[:2]|sum('v', 10)
['a', 'b']|sum
l|min
l|max
names|min
names|max(case_sensitive=true)
[]|max
messages|map(attribute='role')|list
messages|map(attribute='role')|join(', ')
messages|map(attribute='missing')|list
messages|map(attribute='missing', default='-')|list
messages|map('upper')|list
names|map('upper')|list
names|map('replace', 'a', 'x')|list
names|map('default', 'a')|first
nested.list|map(attribute='v')|list
messages|selectattr('role', 'equalto', 'user')|list|length
messages|selectattr('role', '==', 'user')|map(attribute='content')|list
messages|selectattr('role', 'in', ['user', 'system'])|list|length
messages|selectattr('missing')|list
messages|selectattr('role', 'defined')|list|length
messages|rejectattr('role', 'equalto', 'user')|map(attribute='role')|list
nested.list|selectattr('v', 'defined')|list
nested.list|selectattr('v')|list
nested|map('upper')|list
l|select('odd')|list
l|select('gt', 1)|list
l|reject('odd')|list
[0, 1, '', 'a', none]|select|list
[0, 1, '', 'a', none]|reject|list
none|select|list
missing|select|list
l|select|length
(l|select)[0]
(l|select) is iterable
(l|select) is sequence
(l|map('string')) is string
'yes' if []|select else 'no'
1 in l|select
l|batch(2)|list
l|batch(2, 'x')|list
l|slice(2)|list
l|slice(2, 'x')|list
s|string
n|string ~ 'x'
'42'|int
'42.9'|int
' 42 '|int
'1_000'|int
'x'|int
'x'|int(5)
'x'|int(default=-1)
'ff'|int(base=16)
'0x1F'|int(0, 16)
2.9|int
-2.9|int
true|int
none|int
none|int(3)
[]|int
missing|int
'2.5'|float
'1e3'|float
'.5'|float
'5.'|float
'x'|float
'x'|float(1.5)
'inf'|float
'nan'|float
n|float
none|float
-5|abs
-5.5|abs
'a'|abs
2.567|round(2)
2.5|round
3.5|round
-2.5|round
7|round
2.1|round(0, 'ceil')
2.9|round(method='floor')
2.675|round(2)
1234.5678|round(1)
'a'|round
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(2, first=true, blank=true)
lines|indent(width='> ')
lines|indent('--', true)
'a\n'|indent
''|indent(2, true)
'  a  b '|wordcount
s|center(20)
'ab'|center(5)
'abc'|center(6)
'a long text that is too long'|truncate(12)
'a long text that is too long'|truncate(12, true)
'a long text that is too long'|truncate(12, false, '!')
'short text'|truncate(9)
'short text'|truncate(9, leeway=0)
html|e
html|escape
html|safe
html|string|length
'%s is %d'|format('x', 3)
'%05.2f|%-5s|%5s|%+d|%x|%%'|format(3.14159, 'a', 'b', 5, 255)
'%(a)s %(b)s'|format(a=1, b='x')
'%s' % 'a'
'%s %s' % ('a', 1)
'%s %s' % 'a'
'%s' % ('a', 'b')
'%r %r' % ('a', 1.0)
'%d' % 'a'
'%d' % 2.9
'%.3s|' % 'abcdef'
'%s' % none
'%s' % [1, 2]
'%.2f' % 2.675
'%f' % 0.1
'{} {}'.format('a', 1)
'{0} {1} {0}'.format('a', 'b')
'{name}!'.format(name='x')
'{:.2f} {:>5} {:<5}| {:^7} {:05d} {:,}'.format(3.14159, 'a', 'b', 'c', 42, 1234567)
'{{}} {}'.format(1)
'{}'.format(none)
'{}'.format()
s.upper()
s.lower()
s.title()
s.capitalize()
s.swapcase()
s.split()
s.split(',')
s.split(', ')
s.split('l', 1)
s.split('l', maxsplit=1)
s.split(sep='o')
s.rsplit('l', 1)
s.rsplit('o')
'a b  c '.split(none, 1)
' a  b c '.rsplit(none, 1)
'a  b c'.split(' ')
''.split()
''.split(',')
','.split(',')
s.split('')
s.split('zz')[-1]
lines.splitlines()
lines.splitlines(true)
'a\r\nb\x0bc\u2028d'.splitlines()
s.startswith('Hell')
s.startswith(('x', 'H'))
s.startswith('World', 7)
s.endswith('ld')
s.endswith(('x', 'd'))
s.startswith('')
s.find('o')
s.find('o', 5)
s.find('zz')
s.rfind('o')
s.find('')
s.index('W')
s.index('zz')
s.rindex('l')
s.count('l')
s.count('')
'aaaa'.count('aa')
s.partition(', ')
s.partition('zz')
s.rpartition('o')
s.rpartition('zz')
s.removeprefix('Hello')
s.removesuffix('World')
s.removeprefix('x')
', '.join(names)
''.join(s)
'-'.join([1, 2])
','.join(d)
'-'.join(messages|map(attribute='role'))
'12'.isdigit()
'1a'.isdigit()
''.isdigit()
'²'.isdigit()
'²'.isdecimal()
'½'.isnumeric()
'ab'.isalpha()
'a1'.isalnum()
'é'.isalpha()
' \t'.isspace()
'AB'.isupper()
'Ab'.isupper()
'ab1'.islower()
'1'.isupper()
'5'.zfill(3)
'-5'.zfill(4)
'ab'.ljust(4) ~ '|'
'ab'.rjust(4)
'ab'.center(5, '*')
'ab'.center(6, '*')
'abc'.center(6, '*')
s.missing_method()
d.items()
d.keys()
d.values()
d.items()|list
d.keys()|list
d.values()|list|length
d.keys()|first
d.get('a')
d.get('zz')
d.get('zz', 'dflt')
d.get('zz').foo
d.copy()
d.pop('a')
d.update({'x': 1})
l.append(4)
l.pop()
l.index(1)
l.index(9)
l.count(1)
l.insert(0, 1)
(1, 2).index(2)
d.items is defined
d.items is callable
s.upper is defined
s.nope is defined
range(3)
range(3)|list
range(1, 4)|list
range(10, 0, -3)|list
range(5, 1)|list
range(0)|list
range(3)|length
range(3)[1]
range(10)[2:5]|list
range(3)|last
range(1, 2, 0)
range('a')
range(1000000)
range(100000)|length
dict(a=1, b=2)
dict({'a': 1}, b=2)
dict([('a', 1), ('b', 2)])
dict([1])
namespace(a=1).a
namespace(a=1).b
namespace({'a': 1}).a
namespace(a=1) is defined
cycler('a', 'b').next()
raise_exception('stop')
raise_exception()
strftime_now('%d %b %Y')
strftime_now('%Y-%m-%d %H:%M:%S')
strftime_now('%A, %B %-d, %Y %I:%M %p %j %y %a %%')
strftime_now is defined
n is defined
missing is defined
missing is not defined
missing is undefined
d.x is defined
d.a is defined
none is none
nothing is none
missing is none
n is none
n is not none
s is string
n is string
n is number
f is number
t is number
s is number
n is integer
t is integer
f is integer
f is float
n is float
t is boolean
n is boolean
t is true
1 is true
no is false
0 is false
d is mapping
l is mapping
s is mapping
l is iterable
s is iterable
n is iterable
d is iterable
missing is iterable
none is iterable
l is sequence
s is sequence
d is sequence
n is sequence
d.items() is sequence
d.items() is iterable
range(2) is sequence
missing is sequence
3 is odd
3 is even
4 is even
'a' is even
missing is even
9 is divisibleby 3
9 is divisibleby(4)
1 is eq 1
1 is equalto 1
1 is equalto(2)
1 is ne 2
1 is lt 2
1 is lessthan 2
3 is gt 2
3 is greaterthan(2)
3 is ge 3
3 is le 2
1 is in [1, 2]
'a' is in 'abc'
1 is not in [2]
'abc' is lower
'ABC' is upper
'a1B' is lower
none is sameas none
true is sameas true
1 is sameas true
l is sameas l
range is callable
s is callable
'upper' is filter
'nope' is filter
'defined' is test
s is escaped
n is defined and n > 3
n is defined or false
not n is defined
n is not none and s is string
missing is defined and missing.foo
l is iterable and l is not string and l is not mapping
n is string or n is integer
1 is number is defined
s is defined|string
(n is defined)|string
n|string is string
l|length > 2
l|length is gt 2
l|first + 1
l|join(',')|upper
names|map('upper')|join(',')|lower
d.a|upper|lower|length
'a'|upper ~ 'b'|upper
'a' ~ 'b'|upper
1 + '2'|int
not l|length
l[l|length - 1]
messages[0]['role'] == 'system'
messages[-1].content|trim
messages[1:]|map(attribute='role')|list
messages[0].content if messages[0].role == 'system' else ''
(messages|last).role
(messages|first)['content']|length
messages|length % 2 == 0
messages[::-1]|map(attribute='content')|join('/')
messages|tojson
d|tojson
d|tojson(indent=2)
d|tojson(indent=4)
nested|tojson(indent=2)
[]|tojson(indent=2)
{}|tojson(indent=2)
[[], {}, [{}]]|tojson(indent=1)
mixed|tojson
mixed|tojson(indent=0)
mixed|tojson(indent='\t')
mixed|tojson(separators=(',', ':'))
mixed|tojson(indent=2, separators=(' ,', ' : '))
d|tojson(sort_keys=true)
{'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(sort_keys=true, indent=2)
{1: 2, none: 3, true: 4, 1.5: 6}|tojson
{(1, 2): 3}|tojson
uni|tojson
uni|tojson(ensure_ascii=true)
'😀'|tojson(true)
quotes|tojson
'\x00\x1f\x7f\b\f\n\r\t/'|tojson
html|tojson
none|tojson
true|tojson
1.0|tojson
1e20|tojson
1e-5|tojson
missing|tojson
range(3)|tojson
range(3)|list|tojson
d.items()|tojson
(1, 'a')|tojson
l|map('string')|tojson
l|map('string')|list|tojson
'inf'|float|tojson
d|attr('a')
'{"b": [1, 2.5, null, true], "a": "x\u00e9\n"}'|from_json
'[1,'|from_json
('[1]'|from_json)[0] + 1
1 is unknown if false else 2
1|unknown if true else 2
d|attr('items') is defined
[1, 2, 3][1]
{'a': {'b': 1}}.a.b
{'a': 1}['a']
'abc'[1]
'abc'|first|upper
(1, 2)|first
(l, d)|length
[l, l]|map('first')|list
'\x07\x1b\u200b\u00ad'
['\x07\x1b\u200b\u00ad\u2028\ue000']
['\n\t\r\\']
["'", '"', '\'"']
[1.0, 1e100, 0.1, -0.0, 1e-10]
100000000000000000
1e22
123456.789e3
5e-324
1.7976931348623157e308
9007199254740993
0.00001
0.0001
12345678901234567.0
[true, none]
{'a': none}
{'a': missing}
[missing]
1 if true else missing.foo
loop is defined
[1, 2,]
{'a': 1,}
(1, 2,)
range(3,)|list
dict(a=1,)
'a'.upper().lower().strip('a') ~ '|'
[1,2,3]|map('string')|join
messages|map(attribute='content')|map('trim')|join('|')
'a,b;c'.replace(',', ';').split(';')
'{"a": 1}'
"{{ nested }}"
'%}'
{'a': {'b': {}}}
((1))
((1, 2), 3)
[[1, 2], [3]]|sum(start=[])
l|sort|first
1.5|string
3|string + '4'
s|length * 2
true|string
'ab' in ['ab', 'cd'] and 'ef' not in ['ab']
l == l|sort|reverse|list
'a' < 'b' < 'c' == true
*1
1 +
foo bar
1 ** 
a..b
'unterminated
[1, 2
{'a' 1}
(1, 2
s|nope
s is nope
s|
s.
s[
@
1 is
""".strip("\n").split("\n")

TEMPLATES = [
    "plain text",
    "",
    "\n",
    "a\n",
    "a\n\n",
    "a\r\nb\rc",
    "{# comment #}x",
    "a{# multi\nline #}\nb",
    "a {#- c -#} b",
    "a\n  {#- c #}\n  b",
    "  {# c #}\nx",
    "  {#+ c #}\nx",
    "{{ 1 }}\n{{ 2 }}\n",
    "{{ 1 }} \n {{- 2 -}} \n 3",
    "a {{- ' b ' -}} c",
    "{%- if true -%}  x  {%- endif -%}  y",
    "  {% if true %}\n  x\n  {% endif %}\n  y",
    "  {%+ if true %}\n  x\n  {%+ endif %}\n  y",
    "a {% if true %}\nb{% endif %}\n\nc",
    "a\n{% if true +%}\nb\n{% endif +%}\nc",
    "a\n\t {% if true %} b {% endif %} \nc",
    "x {% set a = 1 %} y\n{% set b = 2 %}\n z",
    "\n\n  {% set a = 1 %}\n\n{{ a }}",
    "{% for i in l %}\n  {{ i }}\n{% endfor %}\nend",
    "{% for i in l -%}\n  {{ i }}\n{%- endfor %}\nend",
    "{% raw %}{{ x }} {% y %}{% endraw %}",
    "a\n  {% raw %}\n {{ x }} \n  {% endraw %}\nb",
    "{%- raw -%}  {{ x }}  {%- endraw -%}  b",
    "{% raw %}{# c #}{% endraw %}",
    "{%raw%}a{%endraw%}",
    "{{ '{{' }} {{ '}}' }} {{ {'a': {}}['a'] }}",
    "{{ {'a': {'b': 1}}}}",
    "{ { x } } {x} % } #",
    "{{-1}} {{- 1 }} {{ -1 }} {{+1}}",
    "{% if n %}a{% else %}b{% endif %}",
    "{% if zero %}a{% elif n > 5 %}b{% elif true %}c{% else %}d{% endif %}",
    "{% if missing %}a{% endif %}",
    "{% if missing.x %}a{% endif %}",
    "{% if not missing %}a{% endif %}",
    "{% if messages[0].role == 'system' and messages|length > 1 %}a{% endif %}",
    "{% for x in l %}{{ x }}{% endfor %}",
    "{% for x in l %}{{ x }}{{ ', ' if not loop.last }}{% endfor %}",
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
    "{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in l %}{{ loop.nope is defined }}{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}",
    "{% for x in l %}a{% else %}none{% endfor %}",
    "{% for x in missing %}a{% else %}none{% endfor %}",
    "{% for x in nothing %}a{% endfor %}",
    "{% for x in n %}a{% endfor %}",
    "{% for c in 'abc' %}{{ c }}.{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d|dictsort %}{{ k }}={{ v }};{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [1, 2] %}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ loop.index }}:{{ m.content }};{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ loop.length }}{{ loop.last }}{% endfor %}",
    "{% for m in messages if m.role == 'x' %}a{% else %}no{% endfor %}",
    "{% for x in l if x > 1 %}{{ x }}{% endfor %}",
    "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}",
    "{% for x in (l if true else []) %}{{ x }}{% endfor %}",
    "{% for x in l %}{% for y in l %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }}"
    "{% endfor %}",
    "{% for x in l %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ y }}{% endfor %}"
    "{% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% for y in l %}{% break %}{% endfor %}{{ x }}{% endfor %}",
    "{% break %}",
    "{% for x in l %}{% set a = x %}{% endfor %}{{ a is defined }}",
    "{% set a = 0 %}{% for x in l %}{{ a }}{% set a = a + x %}{{ a }} {% endfor %}{{ a }}",
    "{% set ns = namespace(a=0) %}{% for x in l %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(found=false, items=[]) %}{% for m in messages %}"
    "{% if m.role == 'user' %}{% set ns.found = true %}{% set ns.items = ns.items + [m.content] %}"
    "{% endif %}{% endfor %}{{ ns.found }} {{ ns.items }}",
    "{% set ns = namespace() %}{% set ns.x = 1 %}{{ ns.x }}{{ ns.y }}",
    "{% set d.x = 1 %}",
    "{% set missing.x = 1 %}",
    "{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a, b = [1, 2] %}{{ b }}{{ a }}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set (a, b) = (1, 2) %}{{ a }}",
    "{% set a %}block {{ n }}{% endset %}{{ a|upper }}",
    "{% set a | upper %}block {{ n }}{% endset %}{{ a }}",
    "{% set a | replace('b', 'x') | upper %}b{% endset %}{{ a }}",
    "{% set a %}{% set b = 1 %}{% endset %}{{ b is defined }}",
    "{% set a %}  x\n  {% endset %}[{{ a }}]",
    "{% set x = 5 %}{% set y = x %}{{ y }}",
    "{% set x = x or 'dflt' %}{{ x }}",
    "{% set s = s|upper %}{{ s }}",
    "{% set none = 1 %}",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(a=5, b=6) }}",
    "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m(a) %}{{ caller() }}[{{ a }}]{% endmacro %}{% call m(1) %}body{% endcall %}",
    "{% macro m() %}{{ caller(5) }}{% endmacro %}{% call(x) m() %}<{{ x }}>{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}",
    "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ g }}{% endmacro %}{% set g = 1 %}{{ m() }}",
    "{% macro m() %}{% set g = 2 %}{{ g }}{% endmacro %}{% set g = 1 %}{{ m() }}{{ g }}",
    "{% macro m(x) %}  {{ x }}  {% endmacro %}[{{ m('a')|trim }}]",
    "{% macro m(x) -%}\n  {{ x }}\n{%- endmacro %}[{{ m('a') }}]",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('<') ~ '>' }}{{ m(1) is string }}",
    "{% macro a() %}a{% endmacro %}{% macro b() %}{{ a() }}b{% endmacro %}{{ b() }}",
    "{% macro m(ns) %}{% set ns.x = 1 %}{% endmacro %}{% set ns = namespace(x=0) %}{{ m(ns) }}"
    "{{ ns.x }}",
    "{{ m() }}{% macro m() %}x{% endmacro %}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{{ m.name }}{% macro m() %}{% endmacro %}",
    "{% macro m() %}x{% endmacro %}{{ m.name }}{{ m is callable }}",
    "{% macro m(*a) %}{% endmacro %}",
    "{% macro m(l) %}{% for i in l %}{{ i }}{% endfor %}{% endmacro %}{{ m(*[[1, 2]]) }}"
    "{{ m(**{'l': [3]}) }}",
    "{% filter upper %}a{{ s }}{% endfilter %}",
    "{% filter replace('a', 'b')|upper %}aa{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x is defined }}",
    "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% generation %}a{{ n }}{% endgeneration %}",
    "{% for m in messages %}{% generation %}{{ m.role }}{% set q = 1 %}{% endgeneration %}"
    "{{ q is defined }}{% endfor %}",
    "{% set j = joiner(', ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}",
    "{% set g = l|select('gt', 1) %}{% for x in g %}{{ x }}{% endfor %}{% for x in g %}{{ x }}"
    "{% endfor %}",
    "{% set g = l|map('string') %}{{ g|first }}{{ g|list }}{{ g|list }}",
    "{% for x in l|reverse %}{{ x }}{{ loop.length }}{% endfor %}",
    "{% for x in l|select('odd') %}{{ loop.last }}{{ loop.length }}{{ x }}{% endfor %}",
    "{% set ns = namespace(seen=0) %}{% for x in [1, 2, 3, 4] if x > ns.seen %}{{ x }}"
    "{% set ns.seen = ns.seen + 2 %}{% endfor %}",
    "{% set ns = namespace(seen=0) %}{% for x in [1, 2, 3, 4] if x > ns.seen %}{{ x }}{{ loop.last }}"
    "{% set ns.seen = ns.seen + 2 %}{% endfor %}",
    "{% set ns = namespace(a=1) %}{% set ns2 = ns %}{% set ns2.a = 5 %}{{ ns.a }}",
    "{% set ns = namespace(a=1) %}{{ ns['a'] is defined }}",
    "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% for x in l %}{% if loop.first %}{% set a = 1 %}{% endif %}{{ a }},{% endfor %}",
    "{% if true %}{% for x in l %}{% if x == 3 %}{% set y = x %}{{ y }}{% endif %}{% endfor %}"
    "{% endif %}",
    "{% for x in range(3) %}{{ x }}{% endfor %}",
    "{% for x in range(l|length) %}{{ l[x] }}{% endfor %}",
    "{% for x in 'a b c'.split() %}{{ x }}{% endfor %}",
    "{% for i in l %}{{ i }}{% endfor %}{{ i is defined }}",
    "{% for loop in l %}{{ loop }}{% endfor %}",
    "{{ loop }}",
    "{% for i in l %}{{ loop.index is even }}{% endfor %}",
    "{%- for message in messages %}\n    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) "
    "%}\n        {{- raise_exception('alternate') }}\n    {%- endif %}\n{%- endfor %}",
    "{% if x is defined and x is not none and x|length > 0 %}a{% else %}b{% endif %}",
    "{% if (n == 7) and (s or missing) %}a{% endif %}",
    "{% if n == 7\n   and s %}\n  a\n{% endif %}",
    "{{ messages\n  | map(attribute='role')\n  | join(',') }}",
    "{{ 'a' if n == 7 else 'b' }}{{ ('c' if n else 'd') ~ 'e' }}",
    "{{ [n, s] | join(' ') }}",
    "{{ raise_exception('boom ' ~ n) }}",
    "{% if false %}{{ raise_exception('x') }}{% endif %}ok",
    "{% if false %}{{ missing.x.y }}{% endif %}ok",
    "{% endif %}",
    "{% if true %}",
    "{% for x in l %}",
    "{% for x l %}{% endfor %}",
    "{% unknown %}",
    "{{ }}",
    "{% %}",
    "{{ 1 ",
    "{% if 1 ",
    "{# open",
    "{% raw %} open",
    "{{ ) }}",
    "{{ (] }}",
    "{{ 'a }}",
    "{% else %}",
    "{% if 1 %}{% else %}{% else %}{% endif %}",
    "{% if 1 %}{% endfor %}",
    "{% set %}",
    "{% set a = %}",
    "{% set 1 = 2 %}",
    "{% macro %}{% endmacro %}",
    "{% if 1 %}a{% endif x %}",
    "{% set a = 1 %}\n\n{% set b = 2 %}\n{{ a }}\n\n{{ b }}",
    "line one\n  {%- set a = 1 %}\n  line two",
    "{{ s }}{{ '\\n' }}{{ n }}",
    "{{ '\n' }}|{{ \"a\nb\" }}",
    "\ttab\n\t{% if true %}\n\tx\n\t{% endif %}\n",
    "a  {%- if true %} b{% endif -%}   \n\n c",
    "{% if true %}\n\n{% endif %}\n\n",
    "  {{ 1 }}\n  {# x #}  \n{{ 2 }}",
    "{% if true %}{# c #}\nx{% endif %}",
    "é{{ uni }}漢",
    "{{ s }}\u2028{% if true %}\n{% endif %}",
    " \u00a0{% if true %}x{% endif %}",
    "a{% if true %} \u00a0{% if true %}x{% endif %}{% endif %}",
    "\n \u2003{%- if true %}x{% endif %}",
]


def cases():
    for expression in EXPRESSIONS:
        yield "{{ " + expression + " }}", CONTEXT
    for template in TEMPLATES:
        yield template, CONTEXT
