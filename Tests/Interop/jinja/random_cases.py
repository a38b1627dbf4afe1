"""Random templates: expressions over a small context, and tags with every kind of white space."""

import random

CONTEXT = {
    "s": "Hello, World", "e": "", "p": "  x y\n", "u": "Straße É", "n": 7, "m": -3, "z": 0,
    "f": 2.5, "t": True, "o": None, "l": [3, 1, 2], "w": ["b", "A", "c"],
    "d": {"a": 1, "b": "two", "l": [1, "x"]},
    "r": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "X"}],
}

ATOMS = list(CONTEXT) + [
    "1", "0", "-1", "2.0", "''", "'a'", "'lo'", "', '", "none", "true", "false", "[]", "{}", "()",
    "missing", "[1, 2]", "(1, 2)", "{'a': 1}", "'x'", "3", "10", "'k'", "'v'", "['b', 'a']",
]
FILTERS = [
    "upper", "lower", "trim", "length", "first", "last", "list", "string", "int", "float", "abs",
    "title", "capitalize", "join", "join(', ')", "reverse", "sort", "unique", "sum", "min", "max",
    "tojson", "tojson(indent=2)", "default('d')", "default('d', true)", "replace('l', 'L')",
    "indent", "indent(2, true)", "select", "reject", "map('string')", "map(attribute='k')",
    "selectattr('v')", "selectattr('k', 'equalto', 'x')", "rejectattr('v', 'defined')",
    "dictsort", "items", "round", "round(1)", "wordcount", "batch(2)", "count",
    "select('number')", "reject('string')", "sort(reverse=true)", "sort(attribute='k')",
    "map('upper')", "select('gt', 1)", "slice(2)", "center(9)", "attr('a')",
    "unique(attribute='k')", "join('-', attribute='k')", "map(attribute='v', default=0)",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping",
    "iterable", "sequence", "true", "false", "odd", "even", "lower", "upper", "callable",
    "in [1, 'a']", "equalto 1", "eq 'a'", "ne 2", "gt 1", "lt 2.5", "divisibleby 2", "sameas none",
]
METHODS = [
    "upper()", "lower()", "strip()", "lstrip()", "rstrip()", "split()", "split(',')",
    "split('l', 1)", "rsplit('o', 1)", "startswith('H')", "endswith('d')", "replace('o', '0')",
    "find('o')", "title()", "items()", "keys()", "values()", "get('a')", "get('q', 1)",
    "splitlines()", "count('l')", "join(w)", "capitalize()", "index(1)", "isdigit()", "partition('l')",
    "strip('x ')", "removeprefix('He')", "zfill(4)", "format(1)", "rfind('l')", "isalpha()",
]
SUBSCRIPTS = ["[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[::2]", "['a']", "['k']", ".a", ".k", ".l",
              "[5]", ".1", "[1:2]", "[-2:]", "[none:2]", "['upper']", ".missing"]
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in",
          "and", "or", "+", "~", "=="]


def expression(rng, depth):
    if depth <= 0:
        return rng.choice(ATOMS)
    kind = rng.randrange(12)
    inner = expression(rng, depth - 1)
    if kind <= 1:
        return f"{inner} {rng.choice(BINARY)} {expression(rng, depth - 1)}"
    if kind == 2:
        return f"({inner} {rng.choice(BINARY)} {expression(rng, depth - 1)})"
    if kind <= 4:
        return f"{inner}|{rng.choice(FILTERS)}"
    if kind == 5:
        return f"({inner}).{rng.choice(METHODS)}"
    if kind == 6:
        return f"({inner}){rng.choice(SUBSCRIPTS)}"
    if kind == 7:
        return f"{inner} is {rng.choice(['', 'not '])}{rng.choice(TESTS)}"
    if kind == 8:
        return f"{inner} if {expression(rng, depth - 1)} else {expression(rng, depth - 1)}"
    if kind == 9:
        return rng.choice(["not ", "-", "+"]) + inner
    if kind == 10:
        open_, close = rng.choice(["[]", "()"])
        return f"{open_}{inner}, {expression(rng, depth - 1)}{close}"
    return f"{inner}{rng.choice(SUBSCRIPTS)}"


def tag(rng, inside, kind="%"):
    close = {"%": "%}", "{": "}}", "#": "#}"}[kind]
    left = rng.choice(["", "", "-", "+"])
    right = rng.choice(["", "", "-", "+"] if kind != "{" else ["", "-"])
    return "{" + kind + left + f" {inside} " + right + close


def text(rng):
    return "".join(rng.choice([" ", "  ", "\n", "\n\n", "x", "\t", "y\n", "}", "{ "])
                   for _ in range(rng.randrange(4)))


def statements(rng, depth):
    result = text(rng)
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(10)
        if kind <= 2 or depth <= 0:
            result += tag(rng, rng.choice(["s", "n", "q", "p", "i", "ns.a", "'\\n'"]), "{")
        elif kind == 3:
            result += tag(rng, "note\n", "#")
        elif kind == 4:
            result += tag(rng, f"set {rng.choice(['q', 'i', 'ns.a'])} = {expression(rng, 1)}")
        elif kind == 5:
            result += tag(rng, "if " + expression(rng, 1)) + statements(rng, depth - 1)
            if rng.random() < 0.5:
                result += tag(rng, "else") + statements(rng, depth - 1)
            result += tag(rng, "endif")
        elif kind == 6:
            result += tag(rng, "for i in " + rng.choice(["l", "s[:3]", "d", "range(2)", "[]", "r"])
                          + rng.choice(["", "", " if i"])) + statements(rng, depth - 1)
            if rng.random() < 0.3:
                result += tag(rng, rng.choice(["break", "continue"])) + text(rng)
            result += tag(rng, rng.choice(["loop.index", "loop.last", "loop.length",
                                           "loop.previtem", "loop.first"]), "{")
            if rng.random() < 0.3:
                result += tag(rng, "else") + statements(rng, depth - 1)
            result += tag(rng, "endfor")
        elif kind == 7:
            result += tag(rng, "raw") + text(rng) + "{{ s }}" + text(rng) + tag(rng, "endraw")
        elif kind == 8:
            result += tag(rng, "set q") + statements(rng, depth - 1) + tag(rng, "endset")
        else:
            name = rng.choice("gh")
            result += (tag(rng, f"macro {name}(i, q=n)") + statements(rng, depth - 1)
                       + tag(rng, "endmacro") + text(rng)
                       + tag(rng, f"{name}({rng.choice(ATOMS)})", "{"))
        result += text(rng)
    return result


def cases(count, seed):
    rng = random.Random(seed)
    for index in range(count):
        if index % 2 == 0:
            yield "{{ " + expression(rng, rng.randrange(1, 5)) + " }}", CONTEXT
        else:
            yield "{% set ns = namespace(a=1) %}" + statements(rng, 2), CONTEXT
