use crate::transcript::format::cue::Cue;
pub(crate) fn is_json(_: &str) -> bool {
    false
}
pub(crate) struct Found {
    pub(crate) maker: &'static str,
    pub(crate) language: Option<String>,
}
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown")]
pub struct UnknownJson {}
pub(crate) fn read(_: &str, _: &mut dyn FnMut(Cue<'_>)) -> Result<Found, UnknownJson> {
    Err(UnknownJson {})
}
