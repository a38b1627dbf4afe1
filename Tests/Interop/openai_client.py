"""Checks a node's HTTP interface with the `openai` package from PyPI.

    python3 openai_client.py http://127.0.0.1:8800/v1

Prints one line per check; exits with 0 if all passed, else with 1.
"""

import json
import sys

try:
    import openai
except ImportError:
    sys.exit("this test needs the openai package: pip install openai")

MAX_TOKENS = 16
MESSAGES = [{"role": "user", "content": "Once upon a time"}]


class Failure(Exception):
    """A check that did not hold."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


def expect_error(kind, mentions, call):
    """Checks that `call` raises `kind`, with a message that names what is wrong."""
    try:
        call()
    except kind as error:
        expect(mentions in str(error), f"the message does not mention {mentions!r}: {error}")
        return error
    raise Failure(f"no {kind.__name__} was raised")


def check_models(client, model):
    expect(client.models.retrieve(model).id == model, "the model is not found by its name")


def check_chat(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=MAX_TOKENS, temperature=0)
    choice = answer.choices[0]
    expect(choice.message.role == "assistant", "the message is not the assistant's")
    expect(choice.message.content, "the answer is empty")
    expect(choice.finish_reason in ("stop", "length"), f"finish_reason {choice.finish_reason}")
    expect(answer.usage.total_tokens
           == answer.usage.prompt_tokens + answer.usage.completion_tokens, "the usage does not add up")
    expect(answer.model_extra["shoal"]["node"], "the shoal object does not name the node")
    return choice.message.content


def check_chat_stream(client, model, whole):
    chunks = list(client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=MAX_TOKENS, temperature=0, stream=True,
        stream_options={"include_usage": True}))
    expect(chunks[0].choices[0].delta.role == "assistant", "the first chunk has no role")
    pieces = [choice for chunk in chunks for choice in chunk.choices]
    text = "".join(piece.delta.content or "" for piece in pieces)
    expect(text == whole, f"streamed {text!r}, whole {whole!r}")
    expect(pieces[-1].finish_reason in ("stop", "length"), "the last piece has no finish_reason")
    expect(chunks[-1].usage is not None and not chunks[-1].choices, "no usage at the end")
    expect(any("shoal" in (chunk.model_extra or {}) for chunk in chunks), "no shoal object")


def check_completion(client, model):
    answer = client.completions.create(
        model=model, prompt="Once upon a time", max_tokens=MAX_TOKENS, temperature=0)
    expect(answer.choices[0].text, "the answer is empty")
    return answer.choices[0].text


def check_completion_stream(client, model, whole):
    chunks = list(client.completions.create(
        model=model, prompt="Once upon a time", max_tokens=MAX_TOKENS, temperature=0,
        stream=True))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    expect(text == whole, f"streamed {text!r}, whole {whole!r}")
    expect(chunks[-1].choices[0].finish_reason in ("stop", "length"), "no finish_reason")


def check_headers(client, model):
    request = "0123456789abcdef" * 2
    raw = client.completions.with_raw_response.create(
        model=model, prompt="a", max_tokens=1, extra_headers={"x-shoal-request": request})
    expect(raw.headers.get("x-shoal-request") == request, "the request's id does not come back")
    expect(raw.headers.get("x-shoal-node"), "no header names the node")
    expect(raw.parse().id.endswith(request), "the answer's id is not the request's")


def check_unknown_model(client, model):
    expect_error(openai.NotFoundError, model, lambda: client.chat.completions.create(
        model="no-such-model", messages=MESSAGES))
    expect_error(openai.NotFoundError, model, lambda: client.models.retrieve("no-such-model"))


def check_bad_requests(client, model):
    def ask(**fields):
        return lambda: client.chat.completions.create(model=model, messages=MESSAGES, **fields)

    error = expect_error(openai.BadRequestError, "temperature", ask(temperature=9))
    expect(error.param == "temperature", f"param is {error.param!r}")
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    error = expect_error(openai.BadRequestError, "tools", ask(tools=[tool]))
    expect(error.code == "unsupported_parameter", f"code is {error.code!r}")
    expect_error(openai.BadRequestError, "top_logprobs", ask(logprobs=True, top_logprobs=21))
    expect_error(openai.BadRequestError, "idempotency-key",
                 ask(extra_headers={"Idempotency-Key": "x"}))
    expect_error(openai.BadRequestError, "stop", ask(stream=True, stop=[""]))


def check_logprobs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    expect(len(tokens) == answer.usage.completion_tokens, f"{len(tokens)} log probabilities")
    for token in tokens:
        expect(len(token.top_logprobs) == 2, "not two alternatives")
        expect(token.logprob == token.top_logprobs[0].logprob, "greedy, but not the likeliest")


def check_schema(client, model):
    schema = {
        "type": "object", "additionalProperties": False, "required": ["zoo", "ape"],
        "properties": {"zoo": {"type": "integer", "minimum": 1, "maximum": 9},
                       "ape": {"type": "string", "maxLength": 5}}}
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=200, temperature=1, seed=7,
        response_format={"type": "json_schema",
                         "json_schema": {"name": "s", "strict": True, "schema": schema}})
    value = json.loads(answer.choices[0].message.content)
    expect(list(value) == ["zoo", "ape"], f"fields {list(value)}, not in the schema's order")
    expect(value["zoo"] in range(1, 10) and len(value["ape"]) <= 5, f"{value}")


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 1
    client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0, timeout=60)
    try:
        models = [model.id for model in client.models.list()]
    except openai.OpenAIError as error:
        print(f"cannot list the models at {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    if not models:
        print(f"{sys.argv[1]} has no models", file=sys.stderr)
        return 1
    model = models[0]

    failures = 0
    results = {}

    def run(name, check, *needs):
        nonlocal failures
        if any(need not in results for need in needs):
            print(f"FAIL {name}: what it compares with failed")
            failures += 1
            return
        try:
            results[name] = check(client, model, *(results[need] for need in needs))
            print(f"ok   {name}")
        except (Failure, openai.OpenAIError, AttributeError, KeyError, IndexError) as error:
            print(f"FAIL {name}: {type(error).__name__}: {error}")
            failures += 1

    run("a model is found by its name", check_models)
    run("a chat is answered whole", check_chat)
    run("a chat is streamed, the same text", check_chat_stream, "a chat is answered whole")
    run("a prompt is completed whole", check_completion)
    run("a completion is streamed, the same text", check_completion_stream,
        "a prompt is completed whole")
    run("headers name the request and the node", check_headers)
    run("an unknown model is NotFoundError, naming those there are", check_unknown_model)
    run("a bad request is BadRequestError, naming the parameter", check_bad_requests)
    run("log probabilities come with each token", check_logprobs)
    run("an answer follows a schema, its fields in the schema's order", check_schema)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
