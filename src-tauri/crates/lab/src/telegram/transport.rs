//! The "full" transport: length, sequence, payload, checksum. Clients of this network speak nothing else.

/// What a frame adds to its payload.
const OVERHEAD: usize = 12;
/// More than any honest request: a part of a file is half a MiB.
const MAX_FRAME: usize = 2 << 20;

/// Cuts frames out of what a client sends and checks them.
#[derive(Default)]
pub(super) struct Frames {
    pub(super) buffer: Vec<u8>,
    sequence: u32,
}

impl Frames {
    /// Returns the next payload, or `None` while it is not there in full.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        let Some(length) = word(&self.buffer, 0) else { return Ok(None) };
        let length = length as usize;
        if !(OVERHEAD..=MAX_FRAME).contains(&length) {
            return Err("A frame of impossible length");
        }
        if self.buffer.len() < length {
            return Ok(None);
        }
        let frame: Vec<u8> = self.buffer.drain(..length).collect();
        let (rest, checksum) = frame.split_at(length - 4);
        if word(checksum, 0) != Some(crc32fast::hash(rest)) {
            return Err("A frame with a wrong checksum");
        }
        if word(rest, 4) != Some(self.sequence) {
            return Err("A frame out of sequence");
        }
        self.sequence += 1;
        Ok(Some(rest[8..].to_vec()))
    }
}

/// Wraps a payload into a frame.
pub(super) fn frame(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + OVERHEAD);
    frame.extend(u32::try_from(payload.len() + OVERHEAD).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend(sequence.to_le_bytes());
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_le_bytes());
    frame
}

/// What Telegram sends instead of a frame: the error in the place of length, sequence and payload.
pub(super) fn transport_error(code: i32) -> Vec<u8> {
    code.to_le_bytes().repeat(3)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_and_only_in_order() {
        let mut frames = Frames::default();
        let sent = [frame(0, b"one payload."), frame(1, b"another one."), frame(3, b"out of turn.")].concat();
        frames.buffer.extend(&sent[..30]);
        assert_eq!(frames.next(), Ok(Some(b"one payload.".to_vec())));
        assert_eq!(frames.next(), Ok(None));
        frames.buffer.extend(&sent[30..]);
        assert_eq!(frames.next(), Ok(Some(b"another one.".to_vec())));
        assert_eq!(frames.next(), Err("A frame out of sequence"));
    }

    #[test]
    fn a_damaged_frame_is_refused() {
        let mut frames = Frames { buffer: frame(0, b"payload!"), ..Frames::default() };
        frames.buffer[9] ^= 1;
        assert_eq!(frames.next(), Err("A frame with a wrong checksum"));
        let mut frames = Frames { buffer: vec![0xff; 12], ..Frames::default() };
        assert_eq!(frames.next(), Err("A frame of impossible length"));
    }
}
