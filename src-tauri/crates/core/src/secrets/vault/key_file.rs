//! The file that opens the vault where no person is there to type.

use std::{fs::File, io::Read, path::Path};

use secrecy::{SecretString, zeroize::Zeroizing};

use crate::secrets::SecretsError;

const MAX_BYTES: u64 = 4096;

/// Reads the vault's passphrase from a file: its first line.
///
/// # Errors
/// [`SecretsError::KeyFile`] when it is missing, no regular file, empty, longer than 4096 bytes, readable or
/// writable by others than its owner, or owned by another user. It is never repaired silently: whoever could
/// read it before knows it.
pub fn read_key_file(path: &Path) -> Result<SecretString, SecretsError> {
    let refuse = |why: &str| SecretsError::KeyFile(format!("{}: {why}", path.display()));
    let mut file = File::open(path).map_err(|error| refuse(&error.to_string()))?;
    // Asked of the open file: the path may lead elsewhere a moment later.
    let facts = file.metadata().map_err(|error| refuse(&error.to_string()))?;
    if !facts.is_file() {
        return Err(refuse("it is not a regular file"));
    }
    if facts.len() > MAX_BYTES {
        return Err(refuse("it is longer than 4096 bytes"));
    }
    check_owner(&facts).map_err(|why| refuse(&why))?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|error| refuse(&error.to_string()))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => Err(refuse("its first line is empty; a key is made with: head -c 32 /dev/urandom | base64")),
    }
}

#[cfg(unix)]
fn check_owner(facts: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may use it (mode {mode:04o}); run: chmod 600"));
    }
    let me = rustix::process::geteuid().as_raw();
    if facts.uid() != me {
        return Err(format!("it belongs to user {}, and this program runs as {me}", facts.uid()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}
