"""A simulated Bedrock runtime: Converse over what the simulated chat endpoint answers, in one piece."""

from chat_endpoint import ChatEndpoint


class BedrockEndpoint(ChatEndpoint):
    def take(self, path, headers, body):
        blocks = body.get("system", []) + body["messages"][0]["content"]
        messages = [{"role": "user", "content": block["text"]} for block in blocks]
        chat = {"model": path, "messages": messages, "max_tokens": body["inferenceConfig"]["maxTokens"]}
        status, answer = super().take(path, headers, chat)
        if status != 200:
            return status, {"message": answer["error"]}
        text, usage = answer["choices"][0]["message"]["content"], answer["usage"]
        return 200, {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": usage["prompt_tokens"],
                "outputTokens": usage["completion_tokens"],
                "totalTokens": usage["total_tokens"],
            },
            "metrics": {"latencyMs": 50},
        }
