//! The checksums of S3 in `.cargo/crc-fast`. Both the SDK and the server of these tests use them, so that a fault would go
//! unnoticed there.

use crc_fast::CrcAlgorithm::{Crc32Iscsi, Crc32IsoHdlc, Crc64Nvme};
use crc_fast::{CrcAlgorithm, Digest};

/// Polynomials, bits, and the values that the catalogue of algorithms gives for the digits 1 to 9.
const KNOWN: [(CrcAlgorithm, u64, u32, u64); 3] = [
    (Crc32IsoHdlc, 0x04c1_1db7, 32, 0xcbf4_3926),
    (Crc32Iscsi, 0x1edc_6f41, 32, 0xe306_9283),
    (Crc64Nvme, 0xad93_d235_94c9_3659, 64, 0xae8b_1486_0a79_9888),
];

fn checksum<'a>(algorithm: CrcAlgorithm, parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut digest = Digest::new(algorithm);
    parts.into_iter().for_each(|part| digest.update(part));
    digest.finalize()
}

/// The same by its definition: a division, bit by bit.
fn divided(polynomial: u64, bits: u32, bytes: &[u8]) -> u64 {
    let ones = u64::MAX >> (64 - bits);
    let polynomial = polynomial.reverse_bits() >> (64 - bits);
    let state = bytes.iter().fold(ones, |state, &byte| {
        (0..8).fold(state ^ u64::from(byte), |state, _| {
            (state >> 1) ^ ((state & 1) * polynomial)
        })
    });
    state ^ ones
}

#[test]
fn checksums_have_their_published_values() {
    for (algorithm, _, _, expected) in KNOWN {
        assert_eq!(checksum(algorithm, [&b"123456789"[..]]), expected);
    }
}

#[test]
fn checksums_do_not_depend_on_how_the_bytes_arrive() {
    let bytes: Vec<u8> = (0..1000_u32).map(|n| (n * n / 7) as u8).collect();
    for (algorithm, polynomial, bits, _) in KNOWN {
        let expected = divided(polynomial, bits, &bytes);
        for size in [1, 7, 8, 9, 64, 333, 1000] {
            assert_eq!(checksum(algorithm, bytes.chunks(size)), expected);
        }
    }
}
