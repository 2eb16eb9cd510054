"""How the program gets on with a real server: each case a function that returns what happened, or fails."""

import json
import random
import re
import time

import transcripts
from program import Program
from server import TOO_LONG, UNAUTHORIZED, WORKS, LlamaServer

ALL = []
CONCURRENCY = 8

# A model this small writes no sentences about anything. A grammar makes it write some that could be about these meetings; it
# chooses which.
SENTENCES = 11
GRAMMAR = f"""
root ::= sentence{{{SENTENCES}}}
sentence ::= ("It was reported that " | "The meeting heard how " | "One speaker explained that ") who " " did " " what " " why ". "
who ::= {" | ".join(json.dumps(one) for one in transcripts.WHO)}
did ::= {" | ".join(json.dumps(one) for one in transcripts.DID)}
what ::= {" | ".join(json.dumps(one) for one in transcripts.WHAT)}
why ::= {" | ".join(json.dumps(one) for one in transcripts.WHY)}
"""
TOLD = json.dumps({"grammar": GRAMMAR, "temperature": 1.5, "seed": 1})
SECTION_WORDS = 150


class Failed(Exception):
    """A case did not see what it expected; the message says what it saw."""


def expect(condition, otherwise):
    if not condition:
        raise Failed(otherwise)


def case(title):
    def register(run):
        ALL.append((title, run))
        return run

    return register


def meeting(words):
    return transcripts.transcript(words, seed=random.Random(words).randrange(1000))


@case("streamed answers, and tokens as the server counts them")
def usage(work):
    with LlamaServer(work, 8192, 2) as server:
        program = Program(work / "a", server, meeting(500), SECTION_WORDS, MODEL_PARAMETERS=TOLD)
        status = program.run()
        expect(status == 0 and program.summary, f"status {status}: {program.output}")
        calls, *tokens = program.usage()
        expect(calls == server.count(WORKS), f"{calls} calls, {server.count(WORKS)} at the server")
        expect(tuple(tokens) == server.tokens(), f"{tokens} tokens, {server.tokens()} at the server")
        return summed(server, program)


@case("a window smaller than MODEL_CONTEXT_TOKENS: no refusal where it is said, else one")
def overflow(work):
    with LlamaServer(work, 2048, 1) as server:
        for name, words, chunk in [("a", 3500, "6000"), ("b", 1700, "2400")]:
            settings = {"CHUNK_TOKENS": chunk, "MODEL_CONCURRENCY": "1", "MODEL_PARAMETERS": TOLD}
            before = server.count(TOO_LONG)
            program = Program(work / name, server, meeting(words), SECTION_WORDS, **settings)
            status = program.run()
            refused = server.count(TOO_LONG) - before
            print(f"     {words} words, status {status}, {refused} refused")
            expect(refused <= (name == "b"), f"{refused} refused: {program.output}")
            expect("the endpoint's window is smaller" in program.output, program.output)
        return summed(server, program)


@case("slots that share one window")
def shared(work):
    with LlamaServer(work, 3072, 4, "--kv-unified") as server:
        program = Program(work / "a", server, meeting(4500), 900, MODEL_CONCURRENCY="4", MODEL_PARAMETERS=TOLD)
        program.run()
        check_paid_once(server, program)
        return summed(server, program)


@case("a server that is loading its model is waited for")
def loading(work):
    server = LlamaServer(work, 4096, 1)
    server.start()
    try:
        early, _ = server.ask("POST", "/v1/chat/completions", '{"messages": []}')
        program = Program(work / "a", server, meeting(500), SECTION_WORDS, MODEL_PARAMETERS=TOLD)
        status = program.run()
        expect(early == 503, f"the server answered {early} while it was loading")
        expect(status == 0 and program.summary, f"status {status}: {program.output}")
        check_paid_once(server, program)
        return summed(server, program)
    finally:
        server.stop()


@case("a wrong key costs one request and names its variable")
def key(work):
    with LlamaServer(work, 4096, 2, key="right") as server:
        program = Program(work / "a", server, meeting(3000), 900, HF_API_TOKEN="wrong", MODEL_CONCURRENCY="1")
        status = program.run()
        refused = server.count(UNAUTHORIZED)
        # The other one asked for the window.
        expect(status == 1 and refused == 2, f"status {status}, {refused} refused: {program.output}")
        expect("HF_API_TOKEN" in program.output, program.output)
        right = Program(work / "b", server, meeting(500), SECTION_WORDS, HF_API_TOKEN="right", MODEL_PARAMETERS=TOLD)
        expect(right.run() == 0, right.output)
        return f"refused once; {summed(server, right, key='right')}"


@case("a server that is killed and started again")
def restarted(work):
    with LlamaServer(work, 8192, 2) as server:
        settings = {"MODEL_CONCURRENCY": "2", "MODEL_CONTEXT_TOKENS": "4096", "MODEL_PARAMETERS": TOLD}
        program = Program(work / "a", server, meeting(2500), 600, **settings).start()
        program.until_answers(1)
        until(lambda: server.count(WORKS) > len(program.records("out")), "nothing is in flight")
        answered = len(program.records("out"))
        server.kill()
        time.sleep(1)
        server.start()
        status = program.wait()
        again = server.count(WORKS) - program.usage()[0]
        expect(answered >= 1 and -2 <= again <= 2, f"{answered} answered, {again} again: {program.output}")
        check_submitted_once(program, in_flight=2)
        return f"status {status}, {answered} answered before; {summed(server, program)}"


@case("one slot and 8 calls at a time: the queue of the server is no failure")
def queue(work):
    with LlamaServer(work, 4096, 1) as server:
        settings = {"MODEL_CONCURRENCY": str(CONCURRENCY), "MODEL_CONTEXT_TOKENS": "4096", "MODEL_PARAMETERS": TOLD}
        program = Program(work / "a", server, meeting(6000), CONCURRENCY * SECTION_WORDS, **settings)
        program.run()
        check_paid_once(server, program)
        return summed(server, program)


@case("kill -9 of the program: what was answered is not paid for again")
def resumed(work):
    with LlamaServer(work, 8192, 2) as server:
        settings = {"MODEL_CONCURRENCY": "2", "MODEL_CONTEXT_TOKENS": "4096", "MODEL_PARAMETERS": TOLD}
        program = Program(work / "a", server, meeting(2500), 600, **settings).start()
        program.until_answers(2)
        program.kill()
        answered = len(program.records("out"))
        before = server.count(WORKS)
        expect(answered >= 2, f"only {answered} answers before the kill")
        program.run()
        check_submitted_once(program, in_flight=2)
        calls, *_ = program.usage()
        at_server = server.count(WORKS)
        expect(calls == at_server, f"{calls} calls, {at_server} at the server")
        return f"{before} before the kill, {before - answered} of them in flight; {summed(server, program)}"


@case("a summary of rubbish is refused, or holds none of it")
def rubbish(work):
    with LlamaServer(work, 8192, 2) as server:
        program = Program(work / "a", server, meeting(3000), 600, MODEL_CONCURRENCY="2", MODEL_CONTEXT_TOKENS="4096")
        status = program.run()
        check_paid_once(server, program)
        if program.summary is None:
            expect(status == 1, f"no summary, but status {status}")
            return f"refused; {summed(server, program)}"
        said, written = runs(program.folder.joinpath("meeting.txt").read_text()), runs(" ".join(program.answers()))
        kept = runs(program.summary) & (written - said)
        expect(not kept, f"the summary holds rubbish: {sorted(kept)[:3]}")
        return f"published without it; {summed(server, program)}"


def runs(text, length=6):
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at : at + length]) for at in range(len(words) - length + 1)}


def until(condition, otherwise, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.02)


def check_paid_once(server, program):
    """Every call was worked on once, and its tokens are counted as the server counts them."""
    check_submitted_once(program, in_flight=0)


def check_submitted_once(program, in_flight):
    """No call was submitted more than once, apart from those in flight at a kill."""
    if program.report:
        again = program.report["usage"]["resubmitted"]
    else:
        again = sum(record["submits"] - 1 for record in program.records("intent"))
    expect(again <= in_flight, f"{again} calls were submitted again: {program.output}")


def summed(server, program):
    """The figures of a case."""
    server.until_idle()
    calls, read, written = program.usage()
    at_server = server.tokens()
    outcome = "summary" if program.summary else last_line(program.output)
    return (
        f"{calls} calls ({server.count(WORKS)} at the server), tokens {read} + {written} "
        f"({at_server[0]} + {at_server[1]} at the server): {outcome}"
    )


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else ""
