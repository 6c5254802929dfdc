//! Numbers that lie near each other, each in as few bits as the farthest from the least of them needs.

/// So many numbers are packed together: as many as a word has bits, so that a column fills whole words.
pub(super) const LINES: usize = 64;

/// [`LINES`] numbers in a vector of words that columns share.
#[derive(Clone)]
pub(super) struct Column {
    /// The least number; each is kept as what it has more.
    least: u32,
    /// The column's first word.
    start: u32,
    /// Bits of each number, which is as many words as the column has.
    width: u8,
}

impl Column {
    /// Appends a column to the words.
    pub(super) fn pack(words: &mut Vec<u64>, numbers: impl Iterator<Item = u32> + Clone) -> Self {
        let least = numbers.clone().min().unwrap_or(0);
        let most = numbers.clone().max().unwrap_or(0);
        let bits = u32::BITS - (most - least).leading_zeros();
        let start = words.len();
        words.resize(start + bits as usize, 0);
        for (at, number) in numbers.enumerate() {
            let (word, shift) = place(at, bits);
            let more = u64::from(number - least);
            if let Some(word) = words.get_mut(start + word) {
                *word |= more << shift;
            }
            if shift + bits > u64::BITS
                && let Some(next) = words.get_mut(start + word + 1)
            {
                *next |= more >> (u64::BITS - shift);
            }
        }
        // A piece has fewer words than a stretch of 4 MiB has bytes, and a width is 32 at most.
        Self { least, start: u32::try_from(start).unwrap_or(u32::MAX), width: u8::try_from(bits).unwrap_or(32) }
    }

    /// The number at a place below [`LINES`].
    pub(super) fn get(&self, words: &[u64], at: usize) -> u32 {
        let bits = u32::from(self.width);
        if bits == 0 {
            return self.least;
        }
        let (word, shift) = place(at, bits);
        let word = self.start as usize + word;
        let mut more = words[word] >> shift;
        if shift + bits > u64::BITS {
            more |= words[word + 1] << (u64::BITS - shift);
        }
        let mask = u64::MAX >> (u64::BITS - bits);
        self.least + u32::try_from(more & mask).unwrap_or(0)
    }
}

/// The word that a number begins in, and its lowest bit there.
const fn place(at: usize, bits: u32) -> (usize, u32) {
    let bit = at * bits as usize;
    (bit / u64::BITS as usize, (bit % u64::BITS as usize) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_come_out_as_they_went_in() {
        let mut words = Vec::new();
        let mut columns = Vec::new();
        let mut random = 7_u32;
        for width in 0..=32_u32 {
            let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
            let base = u32::MAX - mask;
            let numbers: Vec<u32> = (0..LINES)
                .map(|at| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // The least and the most of that width are among them.
                    base + if at == 3 {
                        0
                    } else if at == 60 {
                        mask
                    } else {
                        random & mask
                    }
                })
                .collect();
            let before = words.len();
            columns.push((Column::pack(&mut words, numbers.iter().copied()), numbers));
            assert_eq!(words.len() - before, width as usize, "{width}");
        }
        for (column, numbers) in columns {
            let got: Vec<u32> = (0..LINES).map(|at| column.get(&words, at)).collect();
            assert_eq!(got, numbers);
        }
    }
}
