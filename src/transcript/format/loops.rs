use crate::text::Span;
#[derive(Default)]
pub(crate) struct Loops {}
impl Loops {
    pub(crate) fn repeated(&mut self, _: &str) -> Vec<Span> {
        Vec::new()
    }
    pub(crate) fn reset(&mut self) {}
    pub(crate) fn warning(&self) -> Option<String> {
        None
    }
}
