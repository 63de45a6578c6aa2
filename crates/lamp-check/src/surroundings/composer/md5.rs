//! MD5 (RFC 1321), which composer names a composer.json by. It keeps nothing secret here.

/// How far each round turns.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
const BLOCK_BYTES: usize = 64;

/// The hash, in hexadecimal.
pub(super) fn md5(message: &[u8]) -> String {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % BLOCK_BYTES != BLOCK_BYTES - 8 {
        padded.push(0);
    }
    let bits = (message.len() as u64).wrapping_mul(8);
    padded.extend_from_slice(&bits.to_le_bytes());
    let start = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let state = padded.chunks_exact(BLOCK_BYTES).fold(start, block);
    state
        .iter()
        .flat_map(|word: &u32| word.to_le_bytes())
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn block(state: [u32; 4], block: &[u8]) -> [u32; 4] {
    let word = |at: usize| {
        block[at * 4..at * 4 + 4]
            .iter()
            .rev()
            .fold(0, |word, byte| (word << 8) | u32::from(*byte))
    };
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..BLOCK_BYTES {
        let (mixed, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(sine(step))
            .wrapping_add(word(at % 16));
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(sum.rotate_left(TURNS[step / 16][step % 4]));
    }
    let add = |place: usize, value: u32| state[place].wrapping_add(value);
    [add(0, a), add(1, b), add(2, c), add(3, d)]
}

/// The RFC's table: the whole part of 2^32 times the sine of the step, in radians.
fn sine(step: usize) -> u32 {
    ((step as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::md5;

    /// The RFC's own.
    #[test]
    fn the_hashes_are_those_of_the_rfc() {
        let cases = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (message, hash) in cases {
            assert_eq!(md5(message.as_bytes()), hash, "{message}");
        }
    }
}
