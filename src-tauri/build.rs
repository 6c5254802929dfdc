//! Tells Tauri where the capabilities live and lets a fresh clone compile before the UI has been built.

use std::{fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `generate_context!` refuses to compile without a frontend; `npm --prefix ui run build` replaces this page.
    let dist = Path::new("ui/dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist)?;
        fs::write(dist.join("index.html"), "<!doctype html><title>UI not built: cargo xtask run builds it</title>")?;
    }
    println!("cargo:rerun-if-changed=src-tauri/capabilities"); // Tauri emits this only for its default path
    println!("cargo:rerun-if-changed=ui/dist");
    tauri_build::try_build(
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*.json"),
    )?;
    Ok(())
}
