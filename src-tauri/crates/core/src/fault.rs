//! Named places at which a ledger test may end the program as a power cut would.
//!
//! `SKRYNKA_KILL_AT=name:n` kills the process when it passes the place for the n-th time. Release builds do not look.

/// Passes a place. In a debug build, ends the process here when a test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };

    static ASKED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("SKRYNKA_KILL_AT").ok()?;
        let (name, times) = asked.split_once(':')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    if let Some((wanted, times)) = asked
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        die();
    }
}

/// Passes a place.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}

/// Ends without unwinding, flushing or telling anybody.
#[cfg(all(debug_assertions, unix))]
fn die() -> ! {
    let _unreachable = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(all(debug_assertions, not(unix)))]
fn die() -> ! {
    std::process::abort()
}
