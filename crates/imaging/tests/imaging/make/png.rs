//! Makes PNG files of any content.

/// Makes a chunk of a PNG, with its checksum.
pub fn png_chunk(label: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(label);
    chunk.extend(data);
    let checksum = crc32(&chunk[4..]);
    chunk.extend(checksum.to_be_bytes());
    chunk
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// Makes a zlib stream of this many zeros, in 1.6 bits for every 32 of them: one fixed-Huffman
/// block of the longest matches.
pub fn zlib_zeros(count: usize) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x9c];
    let (mut pending, mut length) = (0u32, 0);
    let mut put = |value: u32, bits: u32, bytes: &mut Vec<u8>| {
        pending |= value << length;
        length += bits;
        while length >= 8 {
            bytes.push(pending as u8);
            (pending, length) = (pending >> 8, length - 8);
        }
    };
    // The last block, with fixed codes; Huffman codes go in with their highest bit first.
    put(0b011, 3, &mut bytes);
    let literal = (0x30u32).reverse_bits() >> 24;
    put(literal, 8, &mut bytes);
    let longest = (0b1100_0101u32).reverse_bits() >> 24;
    for _ in 0..(count - 1) / 258 {
        put(longest, 8, &mut bytes);
        put(0, 5, &mut bytes);
    }
    for _ in 0..(count - 1) % 258 {
        put(literal, 8, &mut bytes);
    }
    put(0, 7, &mut bytes);
    put(0, 7, &mut bytes);
    // Adler-32 of zeros: 1 and the count, each modulo 65521.
    bytes.extend(
        [(count % 65_521) as u16, 1]
            .iter()
            .flat_map(|half| half.to_be_bytes()),
    );
    bytes
}

/// Makes a PNG of zeros of any size, in few bytes; `kind` is its colour type (0 grey, 2 RGB, 6 RGB
/// and alpha).
pub fn png_of_zeros(width: u32, height: u32, depth: u8, kind: u8) -> Vec<u8> {
    let channels = match kind {
        0 => 1,
        2 => 3,
        _ => 4,
    };
    let row = 1 + width as usize * channels * usize::from(depth) / 8;
    png_with(
        width,
        height,
        depth,
        kind,
        0,
        &zlib_zeros(row * height as usize),
        &[],
    )
}

/// Makes a PNG with these chunks before its pixels.
pub fn png_with(
    width: u32,
    height: u32,
    depth: u8,
    kind: u8,
    interlace: u8,
    pixels: &[u8],
    before: &[(&[u8; 4], Vec<u8>)],
) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, kind, 0, 0, interlace]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(png_chunk(b"IHDR", &header));
    for (label, data) in before {
        bytes.extend(png_chunk(label, data));
    }
    bytes.extend(png_chunk(b"IDAT", pixels));
    bytes.extend(png_chunk(b"IEND", &[]));
    bytes
}

/// Makes a zlib stream that stores its bytes uncompressed.
pub fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let mut chunks = data.chunks(65_535).peekable();
    while let Some(chunk) = chunks.next() {
        bytes.push(u8::from(chunks.peek().is_none()));
        let length = chunk.len() as u16;
        bytes.extend([length, !length].iter().flat_map(|half| half.to_le_bytes()));
        bytes.extend(chunk);
    }
    let (one, two) = data.iter().fold((1u32, 0u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    bytes.extend((two << 16 | one).to_be_bytes());
    bytes
}
