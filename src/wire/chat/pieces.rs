//! An answer whose parts stand elsewhere than in a completion.

use serde_json::Value;

use crate::model::TokenUsage;
use crate::wire::chat::{ChatReader, finish_name};

impl ChatReader {
    /// Takes a piece of the text.
    pub(crate) fn add(&mut self, text: &str) {
        self.has_choice = true;
        self.text.push_str(text);
    }

    /// Gives the text back as it is so far, to be taken again in another form.
    pub(crate) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The model has reasoned, which is no part of the text.
    pub(crate) fn reasoned(&mut self) {
        self.has_choice = true;
        self.thought = true;
    }

    /// Why generation ended; what says nothing is passed over.
    pub(crate) fn ended(&mut self, reason: &Value) {
        if finish_name(Some(reason)).is_some() {
            self.finish = Some(reason.clone());
        }
    }

    /// How many tokens it took. Counts of later pieces include the earlier ones.
    pub(crate) fn used(&mut self, usage: TokenUsage) {
        self.usage = Some(usage);
    }

    /// Nothing is missing: whoever kept the answer has said that it is complete.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}
