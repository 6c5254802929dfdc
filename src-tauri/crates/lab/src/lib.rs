//! Real servers on loopback for tests, the demo and the benches.
//!
//! Everything listens on free ports of 127.0.0.1, keeps its files in a temporary folder and leaves nothing behind,
//! also when the program that started it is killed: see [`folder`]. Several labs live side by side.
//! Nothing here is secret: passwords are known, certificates come from an authority that exists for one run.
//!
//! Calls block for a few milliseconds each. They are made for the thread of a test, not for the product.

pub mod authority;
mod background;
pub mod bureau;
pub mod dovecot;
pub mod evidence;
pub mod folder;
pub mod imap;
mod lmtp;
pub mod numbered;
pub mod oauth2;
mod ports;
pub mod proxy;
pub mod serve;
pub mod smtp;
pub mod telegram;

pub use dovecot::{Dovecot, Options};
pub use oauth2::Oauth2;
pub use proxy::{Mode, Proxy};
pub use smtp::{Fault, SmtpSink};
