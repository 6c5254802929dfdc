//! A recorded voice as Telegram plays it: Opus in OGG (RFC 7845), with its loudness in a hundred values of five bits
//! (core.telegram.org/constructor/documentAttributeAudio). Pure but for the reading and writing.

use std::io::{self, Read, Write};

use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use ropus::{Application, Bitrate, Channels, Encoder, Signal};
use skrynka_core::model::VoiceNote;

/// Samples of a second, of one channel: the rate that Opus itself counts in.
const RATE: u32 = 48_000;
/// Samples of a packet: 20 ms.
const FRAME: usize = 960;
/// Packets of a page of OGG: a second.
const PAGE: u64 = 50;
/// Bits of a second; what Telegram's own programs take for speech.
const BITRATE: u32 = 32_000;
/// The longest packet (RFC 6716 section 3.2.1), for one frame.
const LONGEST_PACKET: usize = 1276;
/// Nobody records longer; the number of a page's samples stays far from its end.
const LONGEST: u64 = 4 * 3600 * RATE as u64;
/// The only stream in the file.
const STREAM: u32 = 1;
/// Values of a waveform.
const VALUES: usize = 100;
const VALUE_BITS: usize = 5;
const LOUDEST: u64 = 31;
/// A whisper is not drawn as a shout.
const QUIET: u64 = 2500;

/// Why a recording cannot be sent as a voice.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// It holds no sound.
    #[error("the recording is empty")]
    Empty,
    /// It lasts for hours.
    #[error("the recording is too long")]
    TooLong,
    /// It cannot be read, or what it becomes cannot be written.
    #[error("the recording cannot be read or written")]
    Io(#[from] io::Error),
    /// The encoder refused.
    #[error("the recording cannot be encoded: {0}")]
    Encode(String),
}

/// Writes a recording as a voice: samples of 16 bits, the lower byte first, one channel, 48,000 a second.
///
/// # Errors
/// See [`VoiceError`]; what was written so far is of no use.
pub fn encode(mut recording: impl Read, into: impl Write) -> Result<VoiceNote, VoiceError> {
    let failed = |error: &dyn std::fmt::Display| VoiceError::Encode(error.to_string());
    let mut encoder = Encoder::builder(RATE, Channels::Mono, Application::Voip)
        .bitrate(Bitrate::try_bits(BITRATE).map_err(|error| failed(&error))?)
        .signal(Signal::Voice)
        .build()
        .map_err(|error| failed(&error))?;
    // What a decoder gives first is none of the recording (RFC 7845 section 4.2).
    let skipped = u16::try_from(encoder.lookahead()).unwrap_or(312);
    let mut ogg = PacketWriter::new(into);
    ogg.write_packet(head(skipped), STREAM, PacketWriteEndInfo::EndPage, 0)?;
    ogg.write_packet(tags(), STREAM, PacketWriteEndInfo::EndPage, 0)?;

    let mut packet = [0; LONGEST_PACKET];
    let (mut samples, mut given, mut peaks) = (0_u64, 0_u64, Vec::new());
    loop {
        let (frame, read) = next_frame(&mut recording)?;
        samples += read as u64;
        if samples == 0 {
            return Err(VoiceError::Empty);
        }
        if samples > LONGEST {
            return Err(VoiceError::TooLong);
        }
        if read > 0 {
            peaks.push(frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0));
        }
        let size = encoder.encode(&frame, &mut packet).map_err(|error| failed(&error))?;
        given += FRAME as u64;
        // Silence brings out what the encoder still holds back.
        let end = samples + u64::from(skipped);
        let is_last = read < FRAME && given >= end;
        let info = if is_last {
            PacketWriteEndInfo::EndStream
        } else if (given / FRAME as u64).is_multiple_of(PAGE) {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        // The end of the last page says what of the last packet belongs to the recording.
        let reached = if is_last { end } else { given };
        ogg.write_packet(packet[..size].to_vec(), STREAM, info, reached)?;
        if is_last {
            let duration_ms = u32::try_from(samples * 1000 / u64::from(RATE)).unwrap_or(u32::MAX);
            return Ok(VoiceNote { duration_ms, waveform: packed(&loudness(&peaks)) });
        }
    }
}

/// Reads the samples of one packet; tells how many there were, the rest is silence.
fn next_frame(recording: &mut impl Read) -> io::Result<([i16; FRAME], usize)> {
    let mut bytes = [0; FRAME * 2];
    let mut read = 0;
    while read < bytes.len() {
        match recording.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut frame = [0; FRAME];
    for (sample, pair) in frame.iter_mut().zip(bytes[..read].chunks_exact(2)) {
        *sample = i16::from_le_bytes([pair[0], pair[1]]);
    }
    Ok((frame, read / 2))
}

/// The first packet (RFC 7845 section 5.1).
fn head(skipped: u16) -> Vec<u8> {
    let mut head = b"OpusHead".to_vec();
    head.extend([1, 1]); // version, channels
    head.extend(skipped.to_le_bytes());
    head.extend(RATE.to_le_bytes());
    head.extend([0, 0, 0]); // gain, mapping
    head
}

/// The second packet (RFC 7845 section 5.2), which says nothing.
fn tags() -> Vec<u8> {
    let vendor = b"skrynka";
    let mut tags = b"OpusTags".to_vec();
    tags.extend(u32::try_from(vendor.len()).unwrap_or(0).to_le_bytes());
    tags.extend(vendor);
    tags.extend(0_u32.to_le_bytes());
    tags
}

/// The loudest of each of a hundred parts, against what is loud in this recording.
fn loudness(peaks: &[u16]) -> [u8; VALUES] {
    let mut loudest = [0_u64; VALUES];
    for (value, loudest) in loudest.iter_mut().enumerate() {
        let from = value * peaks.len() / VALUES;
        let to = ((value + 1) * peaks.len() / VALUES).max(from + 1);
        *loudest = u64::from(peaks.get(from..to).unwrap_or_default().iter().copied().max().unwrap_or(0));
    }
    let full = (loudest.iter().sum::<u64>() * 9 / 5 / VALUES as u64).max(QUIET);
    loudest.map(|peak| u8::try_from((peak * LOUDEST / full).min(LOUDEST)).unwrap_or(0))
}

/// Packs values from 0 to 31, a hundred at most, as Telegram has them: five bits each, lowest bits first.
pub fn packed(values: &[u8]) -> Vec<u8> {
    let values = values.get(..VALUES).unwrap_or(values);
    let mut packed = vec![0; (values.len() * VALUE_BITS).div_ceil(8)];
    for (at, value) in values.iter().enumerate() {
        let (byte, shift) = (at * VALUE_BITS / 8, at * VALUE_BITS % 8);
        let [low, high] = (u16::from(*value & 31) << shift).to_le_bytes();
        packed[byte] |= low;
        if high > 0 {
            packed[byte + 1] |= high;
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use std::{f64::consts::TAU, process::Command};

    use super::*;

    /// A tone of 440 Hz that grows from nothing.
    fn tone(samples: usize) -> Vec<u8> {
        let sample = |n: usize| {
            let at = n as f64 / f64::from(RATE);
            ((at * 440.0 * TAU).sin() * 12_000.0 * n as f64 / samples as f64) as i16
        };
        (0..samples).flat_map(|n| sample(n).to_le_bytes()).collect()
    }

    /// How much of a sound swings at 440 Hz, and how loud all of it is.
    fn at_440(samples: &[f64]) -> (f64, f64) {
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let turn = n as f64 / f64::from(RATE) * 440.0 * TAU;
            sine += sample * turn.sin();
            cosine += sample * turn.cos();
            all += sample * sample;
        }
        (2.0 * (sine * sine + cosine * cosine) / samples.len() as f64, all)
    }

    /// The reference decoder of opus-tools reads what was written: as long to the sample, and the same tone.
    #[test]
    fn another_program_plays_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let (file, sound) = (folder.path().join("voice.ogg"), folder.path().join("voice.raw"));
        for samples in [1, 959, 960, 48_000, 137_123] {
            let mut written = Vec::new();
            let voice = encode(tone(samples).as_slice(), &mut written).unwrap();
            assert_eq!(u64::from(voice.duration_ms), samples as u64 * 1000 / 48_000);
            std::fs::write(&file, written).unwrap();
            let played = Command::new("opusdec").args(["--quiet", "--rate", "48000"]).args([&file, &sound]).output();
            let played = played.expect("opusdec, of the package opus-tools");
            assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
            let heard = std::fs::read(&sound).unwrap();
            assert_eq!(heard.len(), samples * 2, "{samples}");
            if samples > 9600 {
                let heard: Vec<f64> =
                    heard.chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
                let (tone, all) = at_440(&heard[heard.len() - 9600..]);
                assert!(tone > all * 0.95, "{tone} of {all}");
            }
        }
    }

    #[test]
    fn a_waveform_has_a_hundred_values_that_grow_with_the_sound() {
        let mut written = Vec::new();
        let voice = encode(tone(144_000).as_slice(), &mut written).unwrap();
        assert_eq!((voice.duration_ms, voice.waveform.len()), (3000, 63));
        let value = |at: usize| {
            let (byte, shift) = (at * 5 / 8, at * 5 % 8);
            let high = voice.waveform.get(byte + 1).copied().unwrap_or(0);
            (u16::from_le_bytes([voice.waveform[byte], high]) >> shift) & 31
        };
        assert!((0..99).all(|at| value(at) <= value(at + 1)), "{voice:?}");
        assert_eq!((value(0), value(99)), (0, 31));
        // Silence is drawn as silence.
        let silent = encode(vec![0; 96_000].as_slice(), &mut Vec::new()).unwrap();
        assert!(silent.waveform.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nothing_is_no_voice() {
        for nothing in [&[][..], &[7]] {
            assert!(matches!(encode(nothing, &mut Vec::new()), Err(VoiceError::Empty)));
        }
    }
}
