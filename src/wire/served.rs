//! What servers say about the model that they serve, on the routes that each has for it:
//!
//! | server | route | window |
//! |---|---|---|
//! | vLLM, SGLang | `/v1/models` | `data[].max_model_len` |
//! | llama.cpp | `/v1/models` | `data[].meta.n_ctx`, that of one slot; `meta.n_ctx_train` is not the window that is served |
//! | llama.cpp | `/props` | `default_generation_settings.n_ctx`, that of one slot; its `total_slots` work at a time |
//! | gateways | `/v1/models` | `data[].context_length`, of many models |
//! | text-generation-inference | `/info` | `max_total_tokens` |

use serde_json::Value;

use crate::model::Served;
use crate::text::Tokens;

/// Reads the reply to `/v1/models`: the entry of `model`, or the only one.
pub(crate) fn in_models(reply: &Value, model: &str) -> Served {
    let entries = reply.get("data").and_then(Value::as_array);
    let entry = entries.and_then(|entries| match &entries[..] {
        [only] => Some(only),
        several => several
            .iter()
            .find(|entry| entry.get("id") == Some(&model.into())),
    });
    let window = |path: &&str| entry.and_then(|entry| number(entry, path));
    Served {
        window: ["/max_model_len", "/meta/n_ctx", "/context_length"]
            .iter()
            .find_map(window)
            .map(Tokens),
        slots: None,
    }
}

/// Reads the reply to llama.cpp's `/props`.
pub(crate) fn in_props(reply: &Value) -> Served {
    Served {
        window: number(reply, "/default_generation_settings/n_ctx").map(Tokens),
        slots: number(reply, "/total_slots"),
    }
}

/// Reads the reply to `/info` of text-generation-inference.
pub(crate) fn in_info(reply: &Value) -> Served {
    Served {
        window: number(reply, "/max_total_tokens").map(Tokens),
        slots: None,
    }
}

/// A number that is not 0: routers of several models say 0 of those that are not loaded.
fn number(value: &Value, path: &str) -> Option<usize> {
    let number = value.pointer(path)?.as_u64()?;
    usize::try_from(number).ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_server_says_its_window_in_its_own_way() {
        let vllm = json!({"object": "list", "data": [{"id": "m", "max_model_len": 8192}]});
        let llama =
            json!({"data": [{"id": "x.gguf", "meta": {"n_ctx": 4096, "n_ctx_train": 32_768}}]});
        let gateway = json!({"data": [
            {"id": "other", "context_length": 1_000_000}, {"id": "m", "context_length": 131_072}
        ]});
        for (reply, expected) in [
            (vllm, Some(8192)),
            (llama, Some(4096)),
            (gateway, Some(131_072)),
            (json!({"data": [{"id": "m", "meta": {"n_ctx": 0}}]}), None),
            (
                json!({"data": [{"id": "a", "max_model_len": 1}, {"id": "b"}]}),
                None,
            ),
            (
                json!({"data": [{"id": "m", "max_model_len": "8192"}]}),
                None,
            ),
            (json!({"data": []}), None),
            (json!("Not found"), None),
        ] {
            let served = in_models(&reply, "m");
            assert_eq!(served.window, expected.map(Tokens), "{reply}");
        }
        let props = json!({"default_generation_settings": {"n_ctx": 2048}, "total_slots": 4});
        let expected = Served {
            window: Some(Tokens(2048)),
            slots: Some(4),
        };
        assert_eq!(in_props(&props), expected);
        let info = json!({"model_id": "m", "max_input_tokens": 3000, "max_total_tokens": 4096});
        assert_eq!(in_info(&info).window, Some(Tokens(4096)));
        assert_eq!(in_info(&json!(null)), Served::default());
    }
}
