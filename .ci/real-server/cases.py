"""How the program gets on with a real server: each case a function that returns what happened, or fails."""

import json
import random
import re
import time

import transcripts
from program import Program
from server import TOO_LONG, UNAUTHORIZED, WORKS, LlamaServer

ALL = []

# A model this small writes no sentences about anything. A grammar makes it write some that could be about these meetings; it
# chooses which.
SENTENCES = 5
GRAMMAR = f"""
root ::= sentence{{{SENTENCES}}}
sentence ::= ("It was reported that " | "The meeting heard how " | "One speaker explained that ") who " " did " " what " " why ". "
who ::= {" | ".join(json.dumps(one) for one in transcripts.WHO)}
did ::= {" | ".join(json.dumps(one) for one in transcripts.DID)}
what ::= {" | ".join(json.dumps(one) for one in transcripts.WHAT)}
why ::= {" | ".join(json.dumps(one) for one in transcripts.WHY)}
"""


def told(seed=1):
    return json.dumps({"grammar": GRAMMAR, "samplers": ["top_k", "temperature"], "top_k": 40, "temperature": 1.5, "seed": seed})


WORDS = 70
# Several sections, and hardly any repairs.
SECTIONS_WORDS = 450
FEW = {"MAX_MODEL_CALLS": "6", "MODEL_PARAMETERS": told()}


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
    with LlamaServer(work, 4096, 2) as server:
        # So small a model may choose sentences that are no summary, and only a summary has a report to compare.
        for seed in range(1, 6):
            before = server.count(WORKS), *server.tokens()
            program = Program(work / str(seed), server, meeting(140), WORDS, MODEL_PARAMETERS=told(seed))
            status = program.run()
            if program.summary:
                break
        expect(status == 0 and program.summary, f"status {status}: {program.output}")
        usage = program.report["usage"]
        reported = usage["calls"], usage["prompt_tokens"], usage["completion_tokens"]
        counted = tuple(now - then for now, then in zip((server.count(WORKS), *server.tokens()), before))
        expect(reported == counted, f"calls and tokens are {reported}, {counted} at the server")
        return summed(server, program)


@case("a window smaller than MODEL_CONTEXT_TOKENS: no refusal where it is said, else one")
def overflow(work):
    with LlamaServer(work, 768, 1) as server:
        results = []
        # Far longer than the window, and a little: only of the second it is not certain that it does not fit.
        for name, words, most in [("a", 900, 0), ("b", 480, 1)]:
            # On a busy machine the server may not say it within the half second that the program waits for it.
            for attempt in range(5):
                before = server.count(TOO_LONG)
                program = Program(work / f"{name}{attempt}", server, meeting(words), WORDS, MODEL_CONCURRENCY="1", MODEL_PARAMETERS=told())
                program.run()
                refused = server.count(TOO_LONG) - before
                if "the endpoint's window is smaller" in program.output:
                    break
                expect(refused <= 1, f"{refused} refused of {words} words: {program.output}")
            else:
                raise Failed(f"the program was never told the window: {program.output}")
            expect(refused == most, f"{refused} refused of {words} words: {program.output}")
            check_paid_once(program)
            results.append(f"{words} words: {refused} refused, {summed(server, program)}")
        return "; ".join(results)


@case("slots that share one window")
def shared(work):
    with LlamaServer(work, 1536, 4, "--kv-unified") as server:
        settings = {"MODEL_CONCURRENCY": "4", "MODEL_CONTEXT_TOKENS": "1536"}
        program = Program(work / "a", server, meeting(900), SECTIONS_WORDS, **FEW, **settings)
        program.run()
        check_paid_once(program)
        check_counted(server, program)
        return summed(server, program)


@case("a server that is loading its model is waited for")
def loading(work):
    server = LlamaServer(work, 4096, 1)
    try:
        # It may have loaded its model before this process gets to ask.
        for _ in range(20):
            server.start()
            early, _ = server.ask("POST", "/v1/chat/completions", '{"messages": []}')
            if early == 503:
                break
            server.stop()
        program = Program(work / "a", server, meeting(140), WORDS, MODEL_PARAMETERS=told())
        program.run()
        expect(early == 503, f"the server answered {early} while it was loading")
        check_paid_once(program)
        return summed(server, program)
    finally:
        server.stop()


@case("a wrong key costs one request and names its variable")
def key(work):
    with LlamaServer(work, 4096, 2, key="right") as server:
        program = Program(work / "a", server, meeting(800), SECTIONS_WORDS, HF_API_TOKEN="wrong", MODEL_CONCURRENCY="1")
        status = program.run()
        refused = server.count(UNAUTHORIZED)
        # Another one asks for the window, unless the machine is too busy for that.
        expect(status == 1 and 1 <= refused <= 2, f"status {status}, {refused} refused: {program.output}")
        expect("HF_API_TOKEN" in program.output, program.output)
        right = Program(work / "b", server, meeting(140), WORDS, HF_API_TOKEN="right", MODEL_PARAMETERS=told())
        right.run()
        expect(server.count(UNAUTHORIZED) == refused and server.count(WORKS), right.output)
        return f"refused once; {summed(server, right)}"


@case("a server that is killed and started again")
def restarted(work):
    with LlamaServer(work, 4096, 2) as server:
        program = Program(work / "a", server, meeting(800), SECTIONS_WORDS, MODEL_CONCURRENCY="2", **FEW).start()
        program.until_answers(1)
        server.keep_tokens()
        until(lambda: server.count(WORKS) > len(program.records("out")), "nothing is in flight")
        answered = len(program.records("out"))
        server.kill()
        time.sleep(1)
        server.start()
        status = program.wait()
        expect(answered >= 1, "no answer before the kill")
        check_paid_once(program)
        expect(len(program.answered()) > answered, f"no answer after the kill: {program.output}")
        return f"status {status}, {answered} answered before the kill; {summed(server, program)}"


@case("one slot and 8 calls at a time: the queue of the server is no failure")
def queue(work):
    with LlamaServer(work, 4096, 1) as server:
        program = Program(work / "a", server, meeting(800), SECTIONS_WORDS, MODEL_CONCURRENCY="8", **FEW)
        program.run()
        check_paid_once(program)
        check_counted(server, program)
        return summed(server, program)


@case("kill -9 of the program: what was answered is not paid for again")
def resumed(work):
    with LlamaServer(work, 4096, 2) as server:
        program = Program(work / "a", server, meeting(800), SECTIONS_WORDS, MODEL_CONCURRENCY="2", **FEW).start()
        program.until_answers(1)
        program.kill()
        answered = len(program.records("out"))
        expect(answered >= 1, "no answer before the kill")
        server.until_idle()
        before = server.count(WORKS)
        program.run()
        check_paid_once(program)
        in_flight = server.count(WORKS) - len(program.calls())
        expect(0 <= in_flight <= 2, f"{in_flight} calls more at the server, and 2 at a time")
        return f"{answered} of {before} answered before the kill; {summed(server, program)}"


@case("a summary of rubbish is refused, or holds none of it")
def rubbish(work):
    with LlamaServer(work, 4096, 2) as server:
        program = Program(work / "a", server, meeting(250), 150, MODEL_CONCURRENCY="2", MAX_MODEL_CALLS="4")
        status = program.run()
        check_paid_once(program)
        check_counted(server, program)
        if program.summary is None:
            expect(status == 1, f"no summary, but status {status}")
            return f"refused; {summed(server, program)}"
        said, written = runs(program.folder.joinpath("meeting.txt").read_text()), runs(" ".join(call["answer"]["text"] for call in program.answered()))
        kept = runs(program.summary) & (written - said)
        expect(not kept, f"the summary holds rubbish: {sorted(kept)[:3]}")
        return f"published without it; {summed(server, program)}"


def runs(text, length=6):
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at : at + length]) for at in range(len(words) - length + 1)}


def until(condition, otherwise, seconds=300):
    deadline = time.monotonic() + seconds * LlamaServer.slowness
    while not condition():
        expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.02)


def check_paid_once(program):
    """No request was answered twice."""
    answered = [(call["system"], call["user"], call["max_tokens"]) for call in program.answered()]
    expect(answered, f"nothing was answered: {program.output}")
    expect(len(answered) == len(set(answered)), f"a request was answered twice: {program.output}")


def check_counted(server, program):
    """The program knows of every request that the server has worked on."""
    calls, worked = len(program.calls()), server.count(WORKS)
    expect(calls == worked, f"{calls} calls, {worked} at the server: {program.output}")


def summed(server, program):
    """The figures of a case."""
    server.until_idle()
    (read, written), (read_there, written_there) = program.tokens(), server.tokens()
    outcome = "summary" if program.summary else last_line(program.output)
    return (
        f"{len(program.calls())} calls ({server.count(WORKS)} at the server, {server.count(TOO_LONG)} refused), tokens "
        f"{read} + {written} ({read_there} + {written_there} at the server): {outcome}"
    )


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else ""
