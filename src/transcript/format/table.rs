use crate::transcript::format::cue::Cue;
pub(crate) struct Columns {}
pub(crate) fn columns(_: &str) -> Option<Columns> {
    None
}
impl Columns {
    pub(crate) fn read(&mut self, _: &str, _: &mut dyn FnMut(Cue<'_>)) {}
    pub(crate) fn name(&self) -> &'static str {
        "table"
    }
}
