use crate::transcript::format::cue::Cue;
#[derive(Clone, Copy)]
pub(crate) enum Captions {}
impl Captions {
    pub(crate) fn name(self) -> &'static str {
        match self {}
    }
}
pub(crate) fn kind(_: &str) -> Option<Captions> {
    None
}
pub(crate) struct Reader {}
impl Reader {
    pub(crate) fn new(_: Captions) -> Self {
        Self {}
    }
    pub(crate) fn read(&mut self, _: &str, _: &mut dyn FnMut(Cue<'_>)) {}
}
