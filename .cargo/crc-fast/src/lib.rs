//! Cyclic redundancy checks of S3's objects, with the interface that the AWS SDK uses of the crate `crc-fast`.
//!
//! That crate has tables for fifty algorithms, 0.66 MB that no compression makes smaller, and the linker keeps all of them
//! (<https://github.com/awesomized/crc-fast-rust/issues/61>). The SDK asks for three. Their tables are computed when they are
//! first used, which takes some microseconds. Eight bytes are read in one step: a gigabyte takes less than a second.

use std::sync::LazyLock;

/// For each of the next eight bytes, what its value adds to the state. In the program they would be 16 kB of zeros each.
type Tables = Box<[[u64; 256]; 8]>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    Crc32IsoHdlc,
    Crc32Iscsi,
    Crc64Nvme,
}

static ISO_HDLC: LazyLock<Tables> = LazyLock::new(|| tables(0xedb8_8320));
static ISCSI: LazyLock<Tables> = LazyLock::new(|| tables(0x82f6_3b78));
static NVME: LazyLock<Tables> = LazyLock::new(|| tables(0x9a6c_9329_ac4b_c9b5));

/// The tables of a polynomial whose lowest bit stands for the highest power.
fn tables(polynomial: u64) -> Tables {
    let byte = |state: u64| {
        (0..8).fold(state, |state, _| {
            (state >> 1) ^ if state & 1 == 1 { polynomial } else { 0 }
        })
    };
    let mut row: [u64; 256] = std::array::from_fn(|value| byte(value as u64));
    let first = row;
    // Each row is what the one before becomes by a zero byte. The first byte of eight has the most bytes after it.
    let mut rows = Box::new([row; 8]);
    for next in rows.iter_mut().rev().skip(1) {
        row = row.map(|state| first[usize::from(state as u8)] ^ (state >> 8));
        *next = row;
    }
    rows
}

/// State of a checksum.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    algorithm: CrcAlgorithm,
    state: u64,
}

impl Digest {
    #[must_use]
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        let state = ones(algorithm);
        Self { algorithm, state }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let tables = match self.algorithm {
            CrcAlgorithm::Crc32IsoHdlc => &*ISO_HDLC,
            CrcAlgorithm::Crc32Iscsi => &*ISCSI,
            CrcAlgorithm::Crc64Nvme => &*NVME,
        };
        let (eights, rest) = bytes.as_chunks::<8>();
        let mut state = self.state;
        for eight in eights {
            let mixed = (state ^ u64::from_le_bytes(*eight)).to_le_bytes();
            let added = std::iter::zip(&**tables, mixed);
            state = added.fold(0, |sum, (row, byte)| sum ^ row[usize::from(byte)]);
        }
        let [.., last] = &**tables;
        for byte in rest {
            state = last[usize::from(state as u8 ^ byte)] ^ (state >> 8);
        }
        self.state = state;
    }

    /// The checksum of all bytes so far, in the lower bits.
    #[must_use]
    pub fn finalize(&self) -> u64 {
        self.state ^ ones(self.algorithm)
    }
}

/// What a state begins with, and is inverted by at the end.
fn ones(algorithm: CrcAlgorithm) -> u64 {
    match algorithm {
        CrcAlgorithm::Crc32IsoHdlc | CrcAlgorithm::Crc32Iscsi => u64::from(u32::MAX),
        CrcAlgorithm::Crc64Nvme => u64::MAX,
    }
}
