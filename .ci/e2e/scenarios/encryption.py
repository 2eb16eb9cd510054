"""Endpoints behind TLS, as all real ones are."""

import certificates
from chat_endpoint import ChatEndpoint
from results import check_summary
from sample_events import MEETING, load
from scenario import expect, hugging_face, scenario
from transcripts import transcript


@scenario("an endpoint behind TLS is connected to while the function starts, without the key, and then called over that connection")
def warm_up(world):
    authority, context = certificates.for_loopback(world.directory())
    with ChatEndpoint(tls=context) as chat:
        settings = hugging_face(world, HF_ENDPOINT_URL=chat.url, SSL_CERT_FILE=str(authority))
        with world.function(**settings) as function:
            world.storage.upload(MEETING, transcript(4000, 61))
            answer = function.invoke(load("s3-put", world.storage))
            expect("outcomes" in answer, f"{answer}")
        check_summary(world.storage, MEETING)
        expect([head["authorization"] for head in chat.heads] == [None], f"at the start came {chat.heads}")
        first = chat.heads[0]["connection"]
        expect(first in chat.connections, f"no call came over the connection {first}, which was made at the start")


@scenario("an endpoint with an untrusted certificate is not called, and the error says so")
def not_trusted(world):
    _, context = certificates.for_loopback(world.directory())
    with ChatEndpoint(tls=context) as chat:
        with world.function(**hugging_face(world, HF_ENDPOINT_URL=chat.url)) as function:
            world.storage.upload(MEETING, transcript(2000, 62))
            message = function.invoke(load("s3-put", world.storage)).get("errorMessage", "")
        expect("certificate" in message and "HF_ENDPOINT_URL" in message, f"the error is {message!r}")
        expect(not chat.requests and not chat.heads, f"{len(chat.requests)} requests arrived")
