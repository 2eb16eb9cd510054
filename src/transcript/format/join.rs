use crate::transcript::format::cue::Cue;
#[derive(Default)]
pub(crate) struct Joiner {}
impl Joiner {
    pub(crate) fn joins(&mut self, _: &Cue<'_>, _: bool) -> bool {
        true
    }
    pub(crate) fn begin(&mut self, _: &Cue<'_>) {}
}
