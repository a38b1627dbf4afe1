"""Renders templates with PyPI's jinja2, for comparison with the interpreter in Sources/Jinja.

    python3 Tests/Interop/jinja_cases.py                  writes Tests/JinjaTests/Fixtures/*.json
    python3 Tests/Interop/jinja_cases.py --random N SEED FILE   writes N random cases to FILE

The second file is compared by `SHOAL_JINJA_CASES=FILE swift test --filter JinjaTests`.

The environment is the one in which chat templates are written and published: an immutable sandbox,
trim_blocks and lstrip_blocks, loop controls, `generation` blocks, and a `tojson` that is json.dumps
without escaping; and `from_json`, which some files use. A case has a template, a context, a date, and either the output or `error`.
"""

import copy
import datetime
import json
import os
import sys
import warnings

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "jinja"))
DATE = datetime.datetime(2026, 3, 5, 14, 7, 9)


class Generation(jinja2.ext.Extension):
    """`{% generation %}` marks the assistant's text; it changes nothing in what is written."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
            sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.filters["from_json"] = json.loads
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: DATE.strftime(form)
    return env


ENVIRONMENT = environment()


def case(template, context, name=None):
    """A case with what jinja2 makes of it."""
    result = {"name": name} if name else {}
    result.update(template=template, context=context)
    try:
        # A copy, for jinja2 has holes: `indent` lengthens a list.
        copied = copy.deepcopy(context)
        result["output"] = ENVIRONMENT.from_string(template).render(**copied)
    except Exception as error:  # every failure is one outcome: the rendering ends with an error
        result["error"] = f"{type(error).__name__}: {error}".split("\n")[0]
    return result


def write(path, cases):
    """Writes cases, one a line; a context or a template that several share stands once."""
    contexts, templates = [], []
    sources = [case["template"] for case in cases]
    for case in cases:
        text = json.dumps(case["context"], ensure_ascii=False)
        if text not in contexts:
            contexts.append(text)
        case["context"] = contexts.index(text)
        if sources.count(case["template"]) > 1:
            if case["template"] not in templates:
                templates.append(case["template"])
            case["template"] = templates.index(case["template"])
    lines = {
        "templates": [json.dumps(template, ensure_ascii=False) for template in templates],
        "contexts": contexts,
        "cases": [json.dumps(case, ensure_ascii=False) for case in cases],
    }
    parts = [f'"{name}": [\n' + ",\n".join(each) + "\n]" for name, each in lines.items()]
    with open(path, "w", encoding="utf-8") as file:
        file.write("{" + ", ".join(parts) + "}\n")
    failed = sum("error" in case for case in cases)
    print(f"{path}: {len(cases)} cases, {failed} of them errors")


def main():
    if sys.argv[1:2] == ["--random"]:
        import random_cases

        count, seed, path = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        warnings.simplefilter("ignore")  # of Python about subscripts of what has none
        # jinja2 slices a constant by other rules than a variable: make it fold no constants.
        ENVIRONMENT.optimized = False
        ENVIRONMENT.finalize = jinja2.pass_context(lambda context, value: value)
        cases = [case(*pair) for pair in random_cases.cases(count, seed)]
        # An object's address in a text says that no template means it.
        write(path, [each for each in cases if " at 0x" not in each.get("output", "").lower()])
        return
    import language_cases
    import model_cases

    fixtures = os.path.join(HERE, "..", "JinjaTests", "Fixtures")
    language = [case(t, c) for t, c in language_cases.cases()]
    models = [case(t, c, n) for n, t, c in model_cases.cases()]
    write(os.path.join(fixtures, "language.json"), language)
    write(os.path.join(fixtures, "models.json"), models)


if __name__ == "__main__":
    main()
