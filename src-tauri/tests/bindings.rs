//! Keeps `ui/src/ipc/bindings.ts` true to what crosses between the UI and Rust.

use std::{env, fs, path::Path};

/// Fails when the TypeScript side is stale; with `BINDINGS_WRITE=1` it is written instead.
#[test]
fn the_typescript_side_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/ipc/bindings.ts");
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("bindings.ts");
    skrynka_app::bindings().export(specta_typescript::Typescript::default(), &fresh).unwrap();
    let fresh = fs::read_to_string(fresh).unwrap();
    if env::var_os("BINDINGS_WRITE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let current = fs::read_to_string(&path).unwrap_or_default();
    assert!(fresh == current, "run BINDINGS_WRITE=1 cargo test --test bindings");
}
