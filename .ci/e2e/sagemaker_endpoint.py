"""A simulated SageMaker runtime: a container's answers in one piece, under the path of an endpoint."""

from chat_endpoint import ChatEndpoint


class SageMakerEndpoint(ChatEndpoint):
    def take(self, path, headers, body):
        """What the container answers, to a chat or to one text; its errors come wrapped in one of the runtime."""
        messages = body.get("messages") or [{"role": "user", "content": body["inputs"]}]
        status, answer = super().take(path, headers, {"model": path, "messages": messages, **body})
        if status != 200:
            return 424, {"OriginalStatusCode": status, "OriginalMessage": answer["error"], "Message": "Received an error from primary"}
        if "inputs" in body:
            return 200, [{"generated_text": answer["choices"][0]["message"]["content"]}]
        return status, answer
