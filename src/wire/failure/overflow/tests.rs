//! Tests with servers' error messages for requests that are too long.

use super::*;

#[test]
fn overflow_is_recognized_with_the_sizes_it_names() {
    // 0 means that the message does not state the size.
    for (text, window, prompt) in [
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (3976 in the messages, 1024 in the completion).",
            4096,
            3976,
        ),
        (
            "This model's maximum context length is 32,768 tokens. However, your request has 40,001 input tokens.",
            32768,
            40001,
        ),
        (
            "You passed 9000 input tokens and requested 1024 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 7168 tokens.",
            8192,
            9000,
        ),
        (
            "You passed 90000 input characters and requested 1024 output tokens. However, the model's context length is only 8192 tokens",
            8192,
            0,
        ),
        (
            "This model's maximum context length is 8192 tokens. However, you requested 1024 output tokens and your prompt contains at least 7169 input tokens, for a total of at least 8193 tokens.",
            8192,
            7169,
        ),
        (
            "Input length (9000) exceeds model's maximum context length (8192)",
            8192,
            9000,
        ),
        (
            "The decoder prompt (length 40000) is longer than the maximum model length of 32768. Make sure that `max_model_len` is no smaller.",
            32768,
            40000,
        ),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 1024 `max_new_tokens`",
            4096,
            5000,
        ),
        (
            "Input validation error: `inputs` must have less than 1024 tokens. Given: 2048",
            1024,
            2048,
        ),
        (
            "request (9001 tokens) exceeds the available context size (4096 tokens), try increasing it",
            4096,
            9001,
        ),
        (
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            8192,
            9000,
        ),
        (
            "Please reduce the length of the messages. Current length is 9000 while limit is 8192",
            8192,
            9000,
        ),
        (
            "prompt is too long: 211234 tokens > 200000 maximum",
            200000,
            211234,
        ),
        (
            "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
            200000,
            200049,
        ),
        (
            "Too many input tokens. Max input tokens: 8192, request input token count: 9279",
            8192,
            9279,
        ),
        (
            "Prompt contains 40001 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            32768,
            40001,
        ),
        (
            "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
            0,
            0,
        ),
        ("Input is too long for requested model.", 0, 0),
        (
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
            200000,
            188240,
        ),
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
            272000,
            300000,
        ),
        (
            "max_tokens=9000 cannot be greater than max_model_len=8192. Please request fewer output tokens.",
            8192,
            0,
        ),
        ("max_tokens must be at least 1, got -512.", 0, 0),
        (
            "Request too large for model `x` in organization `o` on tokens per minute (TPM): Limit 6000, Requested 12841, please reduce your message size",
            6000,
            0,
        ),
        (
            "The prompt (total length 5000) is too long to fit into the model (context length 4096).",
            4096,
            5000,
        ),
        (
            "Malformed input request: expected maxLength: 100000, actual: 120000",
            0,
            0,
        ),
        ("input is too long for requested model", 0, 0),
        ("Input exceeds the context window of this model", 0, 0),
        (
            "too large for model with 32768 maximum context length",
            32768,
            0,
        ),
        (
            "The input token count (200000) exceeds the maximum number of tokens allowed (131072).",
            131072,
            200000,
        ),
        ("maximum input length is 7168 tokens", 7168, 0),
        ("index out of range in self", 0, 0),
        (
            "This model's maximum context length is 4096 tokens, and your prompt contains at least 4097 input tokens, which exceeds this limit even without any output tokens.",
            4096,
            4097,
        ),
        (
            "Your prompt contains 90000 characters (more than 65536 characters, which is the upper bound for 4096 input tokens).",
            4096,
            0,
        ),
        (
            "The decoder prompt (length 40000) plus the image tokens is longer than the maximum model length of 32768.",
            32768,
            40000,
        ),
    ] {
        let text = text.to_lowercase();
        assert!(is_recognized(&text), "{text}");
        let named = |n: u64| (n > 0).then_some(n);
        let expected = Sizes {
            window: named(window),
            prompt: named(prompt),
        };
        assert_eq!(sizes(&text), expected, "{text}");
    }
}

#[test]
fn texts_about_other_things_are_not_overflow() {
    for text in [
        "string_above_max_length: maximum context length",
        "rate limit reached on tokens per minute (tpm): limit 6000",
        "`max_new_tokens` must be strictly positive",
        "your context window is fine",
        "",
    ] {
        assert!(!is_recognized(text), "{text}");
    }
}
