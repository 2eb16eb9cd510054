use crate::transcript::decode::Decoded;
pub(crate) fn is_html(_: &str) -> bool {
    false
}
pub(crate) fn reduced(d: Decoded) -> Decoded {
    d
}
