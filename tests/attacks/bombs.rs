//! Decompression bombs: small PNG files that unpack to gigabytes of zeros.

use std::sync::OnceLock;

/// Returns a zlib stream that unpacks to `count` zeros: about 2,500 of them in 16 bytes.
fn zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits {
        bytes: vec![0x78, 0x01],
        free: 0,
    };
    // One final block with the fixed codes: a literal zero, then copies of it, 258 bytes each.
    bits.low_first(0b1, 1);
    bits.low_first(0b01, 2);
    let literal = |bits: &mut Bits| bits.high_first(0x30, 8);
    if count > 0 {
        literal(&mut bits);
        for _ in 0..(count - 1) / 258 {
            bits.high_first(0b1100_0101, 8);
            bits.high_first(0, 5);
        }
        for _ in 0..(count - 1) % 258 {
            literal(&mut bits);
        }
    }
    bits.high_first(0, 7);
    let adler = ((count % 65_521) << 16) | 1;
    let mut bytes = bits.bytes;
    bytes.extend_from_slice(&(adler as u32).to_be_bytes());
    bytes
}

struct Bits {
    bytes: Vec<u8>,
    /// Bits that are free in the last byte.
    free: u32,
}

impl Bits {
    fn bit(&mut self, bit: u32) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= (bit as u8) << (8 - self.free);
        }
        self.free -= 1;
    }

    fn low_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|place| self.bit(value >> place & 1));
    }

    /// Writes the highest bit first, as Huffman codes are written.
    fn high_first(&mut self, value: u32, count: u32) {
        (0..count)
            .rev()
            .for_each(|place| self.bit(value >> place & 1));
    }
}

fn crc(bytes: &[u8]) -> u32 {
    static TABLE: OnceLock<[u32; 256]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|byte| {
            (0..8).fold(byte as u32, |crc, _| {
                if crc & 1 == 1 {
                    crc >> 1 ^ 0xedb8_8320
                } else {
                    crc >> 1
                }
            })
        })
    });
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        crc >> 8 ^ table[((crc ^ u32::from(*byte)) & 0xff) as usize]
    })
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    png.extend_from_slice(&(content.len() as u32).to_be_bytes());
    let begin = png.len();
    png.extend_from_slice(kind);
    png.extend_from_slice(content);
    let crc = crc(&png[begin..]);
    png.extend_from_slice(&crc.to_be_bytes());
}

/// Returns a black picture. `colour` is PNG's colour type: 0 for grey, 2 for RGB, 6 for RGBA.
pub fn black(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    png(width, height, depth, colour, None)
}

/// Returns a small picture whose colour profile unpacks to this many zeros.
pub fn profiled(zero_bytes: u64) -> Vec<u8> {
    png(64, 64, 8, 2, Some(zero_bytes))
}

fn png(width: u32, height: u32, depth: u8, colour: u8, profile: Option<u64>) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend_from_slice(&[depth, colour, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header);
    if let Some(bytes) = profile {
        chunk(&mut png, b"iCCP", &[b"x\0\0", &zeros(bytes)[..]].concat());
    }
    let channels = match colour {
        0 => 1,
        2 => 3,
        _ => 4,
    };
    let row = 1 + (u64::from(width) * channels * u64::from(depth)).div_ceil(8);
    chunk(&mut png, b"IDAT", &zeros(row * u64::from(height)));
    chunk(&mut png, b"IEND", &[]);
    png
}

#[test]
fn the_decoder_reads_these_pictures() {
    for (width, height, depth, colour) in [(7, 5, 8, 2), (1, 900, 1, 0), (33, 20, 16, 6)] {
        let picture =
            image::load_from_memory(&black(width, height, depth, colour)).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (width, height));
    }
    assert!(image::load_from_memory(&profiled(10_000)).is_ok());
}
