//! Small real files: a PDF, a DOCX, a PNG, a voice message and a text.

use std::io::Write;

use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, ZlibEncoder},
};

/// Returns a PDF of one page that shows the given ASCII lines.
pub fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut content = String::from("BT /F1 14 Tf 72 760 Td 20 TL\n");
    for line in lines {
        let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        content.push_str(&format!("({escaped}) Tj T*\n"));
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
    }
    let start = out.len();
    let size = objects.len() + 1;
    out.push_str(&format!(
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    out.into_bytes()
}

/// Returns a Word document with one paragraph per line.
pub fn docx(lines: &[&str]) -> Vec<u8> {
    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    let body: String = lines
        .iter()
        .map(|line| format!("<w:p><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>", escape(line)))
        .collect();
    zip(&[
        (
            "[Content_Types].xml",
            &format!(
                "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                 <Default Extension=\"rels\" \
                 ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-\
                 officedocument.wordprocessingml.document.main+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            &format!(
                "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
                 relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>"
            ),
        ),
        (
            "word/document.xml",
            &format!(
                "{HEAD}<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
                 <w:body>{body}</w:body></w:document>"
            ),
        ),
    ])
}

/// Returns a picture that looks like a scanned page: grey paper, lines of text, a stamp whose place depends on `seed`.
pub fn png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let (stamp_x, stamp_y) = ((seed % 5 + 3) * width / 10, (seed % 3 + 5) * height / 10);
    let radius = height / 7;
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let distance = x.abs_diff(stamp_x).pow(2) + y.abs_diff(stamp_y).pow(2);
            let ring = distance < radius.pow(2) && distance > (radius * 3 / 4).pow(2);
            let margin = x > width / 10 && x < width * 9 / 10 - (y / 12 * 37 + seed) % (width / 3);
            let colour = if ring {
                [70, 90, 170]
            } else if y % 12 < 3 && y > height / 8 && margin {
                [90, 90, 96]
            } else {
                [244, 243, 238]
            };
            rows.extend_from_slice(&colour);
        }
    }
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"IDAT", &deflated(ZlibEncoder::new(Vec::new(), Compression::default()), &rows));
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&length(data).to_be_bytes());
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    out.extend_from_slice(&checksum(&[kind, data]).to_be_bytes());
}

/// Writes a ZIP archive (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).
fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, text) in entries {
        let offset = length(&out);
        let packed = deflated(DeflateEncoder::new(Vec::new(), Compression::default()), text.as_bytes());
        let mut fields = Vec::new();
        fields.extend_from_slice(&[20, 0, 0, 8, 8, 0, 0, 0, 0x21, 0x5a]);
        for number in [checksum(&[text.as_bytes()]), length(&packed), length(text.as_bytes()), length(name.as_bytes())]
        {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&fields);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&fields);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = length(&out);
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX).to_le_bytes();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length(&directory).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// Returns a voice message of so many seconds, OGG with Opus, in which nobody says a word.
pub fn voice(seconds: u32) -> Vec<u8> {
    /// What Opus calls 20 ms of silence, mono.
    const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
    const FRAMES_A_SECOND: u32 = 50;
    const SAMPLES_A_SECOND: u64 = 48_000;
    let head = *b"OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00";
    let tags = *b"OpusTags\x03\x00\x00\x00lab\x00\x00\x00\x00";
    let mut out = page(2, 0, 0, &[&head]);
    out.extend(page(0, 0, 1, &[&tags]));
    for second in 0..seconds {
        let packets = [&SILENCE[..]; FRAMES_A_SECOND as usize];
        let last = if second + 1 == seconds { 4 } else { 0 };
        out.extend(page(last, u64::from(second + 1) * SAMPLES_A_SECOND, second + 2, &packets));
    }
    out
}

/// Returns how loud a voice message is: a hundred samples of five bits, packed from the lowest bit up.
pub fn waveform() -> Vec<u8> {
    let mut packed = vec![0_u8; 63];
    for sample in 0..100_usize {
        let height = 4 + (sample * 7 % 23) * (100 - sample) / 100;
        let bit = sample * 5;
        let spread = (height.min(31) as u16) << (bit % 8);
        packed[bit / 8] |= spread.to_le_bytes()[0];
        if let Some(next) = packed.get_mut(bit / 8 + 1) {
            *next |= spread.to_le_bytes()[1];
        }
    }
    packed
}

/// Writes an OGG page of short packets.
fn page(flags: u8, position: u64, sequence: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut page = [b"OggS\0", &[flags][..], &position.to_le_bytes()].concat();
    page.extend(b"Lab1");
    page.extend(sequence.to_le_bytes());
    page.extend([0; 4]);
    page.push(u8::try_from(packets.len()).unwrap_or(u8::MAX));
    page.extend(packets.iter().map(|packet| u8::try_from(packet.len()).unwrap_or(u8::MAX)));
    packets.iter().for_each(|packet| page.extend(*packet));
    let checksum = page.iter().fold(0_u32, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    page[22..26].copy_from_slice(&checksum.to_le_bytes());
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.sum()
}

trait Finish: Write {
    fn finish(self) -> std::io::Result<Vec<u8>>;
}

impl Finish for ZlibEncoder<Vec<u8>> {
    fn finish(self) -> std::io::Result<Vec<u8>> {
        ZlibEncoder::finish(self)
    }
}

impl Finish for DeflateEncoder<Vec<u8>> {
    fn finish(self) -> std::io::Result<Vec<u8>> {
        DeflateEncoder::finish(self)
    }
}

/// Compresses into memory, which cannot fail.
fn deflated(mut encoder: impl Finish, bytes: &[u8]) -> Vec<u8> {
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}
