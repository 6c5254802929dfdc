//! Pictures: those of the mail itself become part of the document, those of the network stay outside unless asked for.

use std::{borrow::Cow, collections::HashMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use imagesize::ImageType;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Bytes of one picture.
const IMAGE: usize = 5 << 20;
/// Bytes of all pictures of a document. A mail may name the same one a thousand times.
const ALL: usize = 24 << 20;
/// Pixels of one picture: a small file can unfold into gigabytes.
const PIXELS: usize = 50_000_000;
/// Bytes of a remote address that is loaded.
const ADDRESS: usize = 8 << 10;

/// The pictures inside a mail, by Content-ID.
pub(super) struct Images {
    by_id: HashMap<String, Vec<u8>>,
    left: usize,
}

impl Images {
    pub(super) fn new(images: Vec<(String, Vec<u8>)>) -> Self {
        Self { by_id: images.into_iter().collect(), left: ALL }
    }

    /// Turns `cid:…` (RFC 2392) into the picture itself, and checks one that is written out as `data:…;base64,…`.
    /// `None` for everything that is not a raster image of this mail, whatever its declared type, or is too large.
    pub(super) fn data_uri(&mut self, source: &str) -> Option<String> {
        let (scheme, rest) = source.trim().split_once(':')?;
        let bytes = match scheme.to_ascii_lowercase().as_str() {
            "cid" => {
                let decoded = percent_decode_str(rest).decode_utf8_lossy();
                Cow::Borrowed(self.by_id.get(rest).or_else(|| self.by_id.get(decoded.as_ref()))?.as_slice())
            }
            "data" => Cow::Owned(written_out(rest)?),
            _ => return None,
        };
        let mime = raster_type(&bytes)?;
        self.left = self.left.checked_sub(bytes.len())?;
        Some(format!("data:{mime};base64,{}", STANDARD.encode(&bytes)))
    }
}

fn written_out(address: &str) -> Option<Vec<u8>> {
    let (kind, encoded) = address.split_once(',')?;
    let base64 = kind.trim_end().to_ascii_lowercase().ends_with(";base64");
    let encoded: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    base64.then(|| STANDARD.decode(encoded).ok()).flatten()
}

/// Tells a raster image by its first bytes; `None` for any other file, and for one that is too large to unpack.
fn raster_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > IMAGE {
        return None;
    }
    let mime = match imagesize::image_type(bytes).ok()? {
        ImageType::Png => "image/png",
        ImageType::Jpeg => "image/jpeg",
        ImageType::Gif => "image/gif",
        ImageType::Webp => "image/webp",
        ImageType::Bmp => "image/bmp",
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok()?;
    (size.width.checked_mul(size.height)? <= PIXELS).then_some(mime)
}

/// Whether an address leads to the network. One without a scheme but with a host does too.
pub(super) fn is_remote(source: &str) -> bool {
    address(source).is_some()
}

/// The address to load when remote pictures are allowed; `None` for this computer and private networks, where a
/// request could do something.
///
/// Only what the address itself says is judged. A public name that its owner lets lead to a private address is loaded,
/// because the webview asks the name server itself.
pub(super) fn remote_source(source: &str) -> Option<String> {
    let url = address(source)?;
    let public = match url.host()? {
        Host::Domain(name) => is_public_name(name),
        Host::Ipv4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = matches!((a, b), (0 | 240.., _) | (192, 0) | (198, 18 | 19));
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_multicast() || shared || special)
        }
        // Pictures of the public network have names; an address in this form is somebody's probe.
        Host::Ipv6(_) => false,
    };
    // Pictures are served where pages are; another port is a service of its own.
    let usual = matches!(url.port(), None | Some(80 | 443 | 8080 | 8443));
    let anonymous = url.username().is_empty() && url.password().is_none();
    (public && usual && anonymous && url.as_str().len() <= ADDRESS).then(|| url.into())
}

fn address(source: &str) -> Option<Url> {
    let source = source.trim_matches(|c: char| c.is_ascii_whitespace() || c.is_control());
    let url = match Url::parse(source) {
        Err(url::ParseError::RelativeUrlWithoutBase) if source.starts_with(['/', '\\']) => {
            Url::parse(&format!("https:{source}")).ok().filter(|_| source.len() > 1 && starts_with_host(source))
        }
        other => other.ok(),
    };
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn starts_with_host(source: &str) -> bool {
    source.get(1..).is_some_and(|rest| rest.starts_with(['/', '\\']))
}

fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.')
        && ![
            "localhost",
            "localdomain",
            "local",
            "internal",
            "private",
            "lan",
            "home",
            "corp",
            "intranet",
            "arpa",
            "test",
            "invalid",
        ]
        .contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

    fn png(width: u32, height: u32) -> Vec<u8> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        [&head[..], &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0\0\0\0\0"].concat()
    }

    #[test]
    fn only_what_is_a_raster_image_by_its_bytes_is_shown() {
        assert_eq!(raster_type(GIF), Some("image/gif"));
        assert_eq!(raster_type(&png(100, 50)), Some("image/png"));
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..],
            b"<html><script>alert(1)</script>",
            b"%PDF-1.7",
            b"II*\0\x08\0\0\0",
            b"",
            b"\x89PNG",
        ] {
            assert_eq!(raster_type(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_image_that_would_unfold_into_gigabytes_is_not_shown() {
        assert_eq!(raster_type(&png(100_000, 100_000)), None);
        assert_eq!(raster_type(&png(u32::MAX, u32::MAX)), None);
        assert_eq!(raster_type(&[&png(10, 10)[..], &vec![0; IMAGE]].concat()), None);
    }

    #[test]
    fn a_picture_named_again_and_again_stops_at_the_budget() {
        let large = [&png(10, 10)[..], &vec![0; 4 << 20]].concat();
        let mut images = Images::new(vec![("a@b".to_owned(), large)]);
        let shown = (0..100).filter(|_| images.data_uri("cid:a@b").is_some()).count();
        assert_eq!(shown, 5);
    }

    #[test]
    fn a_picture_written_out_in_the_mail_is_judged_by_its_bytes_too() {
        let mut images = Images::new(Vec::new());
        let gif = STANDARD.encode(GIF);
        let folded = format!("DATA:image/x-whatever;charset=x;BASE64,{}\r\n {}", &gif[..20], &gif[20..]);
        assert_eq!(images.data_uri(&folded), Some(format!("data:image/gif;base64,{gif}")));
        let script = STANDARD.encode("<script>alert(1)</script>");
        for wrong in [format!("data:image/png;base64,{script}"), format!("data:image/gif,{gif}"), "data:".to_owned()] {
            assert_eq!(images.data_uri(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pictures_of_this_computer_and_of_private_networks_are_never_loaded() {
        for source in [
            "http://127.0.0.1/x",
            "http://127.1/x",
            "http://2130706433/x",
            "http://0x7f.1/",
            "http://10.0.0.1/",
            "http://192.168.1.1/logout",
            "http://172.16.5.5/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[fd00::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://router/",
            "http://nas.local/",
            "http://x.internal/",
            "http://0/",
            "http://user:pw@example.org/x",
            "//127.0.0.1/x",
            "http://0177.0.0.1/",
            "http://0x7f000001/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://\u{ff11}27.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://198.18.0.1/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://localhost.localdomain/",
            "http://example.org:6379/",
            "https://example.org:22/x.png",
        ] {
            assert!(is_remote(source), "{source}");
            assert_eq!(remote_source(source), None, "{source}");
        }
        for (source, loaded) in [
            ("https://example.org/a.png", "https://example.org/a.png"),
            ("//example.org/a.png", "https://example.org/a.png"),
            ("\\\\example.org\\a.png", "https://example.org/a.png"),
            ("http://93.184.216.34/a", "http://93.184.216.34/a"),
            (" https://приклад.укр/\"><script>", "https://xn--80aikifvh.xn--j1amh/%22%3E%3Cscript%3E"),
        ] {
            assert_eq!(remote_source(source).as_deref(), Some(loaded));
        }
        for source in [
            "x.png",
            "/x.png",
            "cid:a",
            "data:image/png;base64,AA",
            "file:///etc/passwd",
            "javascript:1",
            "ftp://example.org/",
        ] {
            assert!(!is_remote(source), "{source}");
        }
    }
}
