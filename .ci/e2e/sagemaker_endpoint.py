"""A simulated SageMaker runtime: a chat container's answers in one piece, under the path of an endpoint."""

from chat_endpoint import ChatEndpoint


class SageMakerEndpoint(ChatEndpoint):
    def take(self, path, headers, body):
        """What the container answers; its errors come wrapped in one of the runtime."""
        status, answer = super().take(path, headers, {"model": path, **body})
        if status == 200:
            return status, answer
        return 424, {"OriginalStatusCode": status, "OriginalMessage": answer["error"], "Message": "Received an error from primary"}
