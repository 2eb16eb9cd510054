//! Formats hashes as hexadecimal.

/// The first `bytes` bytes of a hash as lower-case hex digits.
pub(crate) fn hex(hash: &[u8], bytes: usize) -> String {
    hash.iter()
        .take(bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
