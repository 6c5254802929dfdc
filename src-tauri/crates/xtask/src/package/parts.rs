//! What a package is made of: a list for machines (CycloneDX) and the licences for people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{project::Project, setup::POSTGRES};

/// What a licence's file begins with, in lower case.
const LICENCE_FILES: [&str; 7] = ["license", "licence", "copying", "notice", "copyright", "unlicense", "ofl"];

/// One part of the program.
struct Part {
    name: String,
    version: String,
    licence: String,
    /// `pkg:cargo/…` or `pkg:npm/…`: its name in the world.
    purl: String,
    /// SHA-256 of what was downloaded; npm has its own.
    sum: Option<String>,
    /// Where its files are.
    folder: PathBuf,
    needs: Vec<String>,
}

/// Writes `third-party.txt` and `sbom.cdx.json` into `folder`.
pub(super) fn write(project: &Project, folder: &Path, version: &str, epoch: u64) -> Result<()> {
    let (own, crates) = crates(project, version)?;
    let (npm, pages) = pages(project)?;
    fs::write(folder.join("third-party.txt"), licences(project, &crates, &pages)?)?;
    let sbom = sbom(project, version, epoch, (own, &crates), npm)?;
    fs::write(folder.join("sbom.cdx.json"), serde_json::to_string_pretty(&sbom)?)?;
    println!("   {} crates, {} npm packages, Postgres and its libraries", crates.len(), pages.len());
    Ok(())
}

/// The crates that the app is linked from, without those of tests and builds; and what the app itself needs.
fn crates(project: &Project, version: &str) -> Result<(Vec<String>, Vec<Part>)> {
    let host = Command::new("rustc").arg("-vV").output().context("rustc could not be asked")?;
    let host = String::from_utf8(host.stdout)?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
    let output = project.cargo(&arguments).output()?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let by_id = |values: Vec<Value>| -> BTreeMap<String, Value> {
        values.into_iter().filter_map(|value| Some((value["id"].as_str()?.to_owned(), value))).collect()
    };
    let (packages, nodes) = (by_id(list(&metadata["packages"])), by_id(list(&metadata["resolve"]["nodes"])));
    let needs = |id: &str| -> Vec<String> {
        let links = nodes.get(id).map(|node| list(&node["deps"])).unwrap_or_default();
        let is_linked = |link: &Value| list(&link["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        links.iter().filter(|link| is_linked(link)).filter_map(|link| Some(link["pkg"].as_str()?.to_owned())).collect()
    };
    let is_app = |package: &&Value| package["name"] == "skrynka" && package["source"].is_null();
    let app = packages.values().find(is_app).and_then(|app| app["id"].as_str()).context("no app among the packages")?;

    let sums = sums_of_the_lockfile(project)?;
    let purl = |id: &str| {
        let package = packages.get(id)?;
        Some(format!("pkg:cargo/{}@{}", package["name"].as_str()?, package["version"].as_str()?))
    };
    let mut wanted = vec![app.to_owned()];
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    while let Some(id) = wanted.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let below = needs(&id);
        wanted.extend(below.iter().cloned());
        let package = packages.get(&id).with_context(|| format!("{id} is not described"))?;
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        if id == *app {
            continue;
        }
        let (name, number) = (text("name"), text("version"));
        let manifest = PathBuf::from(text("manifest_path"));
        // Our own crates are under the licence of the whole.
        let licence = if package["source"].is_null() { "MIT OR Apache-2.0".to_owned() } else { text("license") };
        parts.push(Part {
            sum: sums.get(&(name.clone(), number.clone())).cloned(),
            purl: purl(&id).context("a package without a name")?,
            folder: manifest.parent().unwrap_or(Path::new("")).to_owned(),
            needs: below.iter().filter_map(|id| purl(id)).collect(),
            name,
            version: number,
            licence: licence.replace('/', " OR "),
        });
    }
    parts.sort_by(|one, other| one.purl.cmp(&other.purl));
    if !parts.iter().any(|part| part.name == "skrynka-core" && part.version == version) {
        bail!("the core is not among the app's parts");
    }
    Ok((needs(app).iter().filter_map(|id| purl(id)).collect(), parts))
}

fn sums_of_the_lockfile(project: &Project) -> Result<BTreeMap<(String, String), String>> {
    let lockfile = fs::read_to_string(project.path("Cargo.lock"))?;
    let mut sums = BTreeMap::new();
    for package in lockfile.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            sums.insert((name, version), sum);
        }
    }
    Ok(sums)
}

/// npm's own list of what the pages are made of, and the same as parts. To npm the framework is a tool of development,
/// since the pages are compiled; what it compiles to is in them nevertheless.
fn pages(project: &Project) -> Result<(Value, Vec<Part>)> {
    let arguments = ["sbom", "--sbom-format", "cyclonedx"];
    let output = project.npm("ui", &arguments).output().context("npm could not be asked")?;
    if !output.status.success() {
        bail!("npm sbom: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut sbom: Value = serde_json::from_slice(&output.stdout)?;
    let manifest: Value = serde_json::from_slice(&fs::read(project.path("ui/package.json"))?)?;
    let direct = manifest["dependencies"].as_object().context("the pages depend on nothing")?;
    let is_direct = |name: &str| direct.contains_key(name) || name == "svelte";
    let kept = what_is_needed(&sbom, is_direct);
    for list in ["components", "dependencies"] {
        if let Some(entries) = sbom[list].as_array_mut() {
            let key = if list == "components" { "bom-ref" } else { "ref" };
            entries.retain(|entry| entry[key].as_str().is_some_and(|name| kept.contains(name)));
        }
    }
    // What was left out is named by nobody who stays.
    for entry in sbom["dependencies"].as_array_mut().into_iter().flatten() {
        if let Some(on) = entry["dependsOn"].as_array_mut() {
            on.retain(|name| name.as_str().is_some_and(|name| kept.contains(name)));
        }
    }
    let mut parts = Vec::new();
    for component in sbom["components"].as_array().context("npm names no components")? {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let properties = component["properties"].as_array().cloned().unwrap_or_default();
        let path = properties.iter().find(|property| property["name"] == "cdx:npm:package:path");
        let path =
            path.map_or_else(|| format!("node_modules/{}", text(&component["name"])), |path| text(&path["value"]));
        let licence = &component["licenses"][0];
        let licence = ["expression", "id", "name"]
            .iter()
            .find_map(|key| licence[*key].as_str().or_else(|| licence["license"][*key].as_str()).map(str::to_owned));
        parts.push(Part {
            name: text(&component["name"]),
            version: text(&component["version"]),
            licence: licence.unwrap_or_default(),
            purl: text(&component["purl"]),
            sum: None,
            folder: project.path("ui").join(path),
            needs: Vec::new(),
        });
    }
    if !parts.iter().any(|part| part.name == "svelte") {
        bail!("svelte is not among the pages' parts, yet they are made of it");
    }
    Ok((sbom, parts))
}

/// The names of the direct parts and of everything that these need.
fn what_is_needed(sbom: &Value, is_direct: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let entries = |key: &str| sbom[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let needs: BTreeMap<String, Vec<String>> = entries("dependencies")
        .iter()
        .map(|entry| {
            let on = entry["dependsOn"].as_array().cloned().unwrap_or_default();
            (text(&entry["ref"]), on.iter().map(text).collect())
        })
        .collect();
    let direct = entries("components").into_iter().filter(|part| is_direct(part["name"].as_str().unwrap_or_default()));
    let mut wanted: Vec<String> = direct.map(|part| text(&part["bom-ref"])).collect();
    let mut kept = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        wanted.extend(needs.get(&name).into_iter().flatten().filter(|name| !kept.contains(*name)).cloned());
        kept.insert(name);
    }
    kept
}

/// Every part with its licence; a text that several share stands there once.
fn licences(project: &Project, crates: &[Part], pages: &[Part]) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = String::new();
    for part in crates.iter().chain(pages) {
        if part.folder.starts_with(&project.root) && part.purl.starts_with("pkg:cargo/") {
            continue;
        }
        let title = format!("{} {} ({})", part.name, part.version, part.licence);
        let found = texts_of(part)?;
        if found.is_empty() {
            if part.licence.is_empty() {
                bail!("{title} names no licence and carries none");
            }
            writeln!(without, "  {title}")?;
        }
        for text in found {
            texts.entry(text).or_default().push(title.clone());
        }
    }
    let mut page = String::from(
        "Skrynka is licensed under MIT or Apache-2.0, at your option. It is made of the parts below, each under its own \
         licence.\nWhere a part offers a choice, it is taken under the licence whose text stands here.\n",
    );
    for (text, parts) in &texts {
        write!(page, "\n{}\n\n{}\n{}\n", "=".repeat(100), parts.join("\n"), "-".repeat(100))?;
        writeln!(page, "\n{}", text.trim_end())?;
    }
    write!(
        page,
        "\n{}\n\nParts that carry no text of their licence, which is the standard one:\n\n{without}",
        "=".repeat(100)
    )?;
    let postgres = fs::read_to_string(project.path("src-tauri/packaging/postgres-licences.txt"))?;
    write!(page, "\n{}\n\nThe private Postgres\n\n{postgres}", "=".repeat(100))?;
    Ok(page)
}

/// The texts that a part carries; of "MIT or another", the MIT one alone.
fn texts_of(part: &Part) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&part.folder).with_context(|| format!("{} is not there", part.folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_code = [".rs", ".js", ".html", ".toml"].iter().any(|ending| name.ends_with(ending));
        if path.is_file() && !is_code && LICENCE_FILES.iter().any(|begin| name.starts_with(begin)) {
            names.push((name, path));
        }
    }
    names.sort();
    let has_choice = part.licence.contains(" OR ") && part.licence.contains("MIT");
    if has_choice && names.iter().any(|(name, _)| name.contains("mit")) {
        names.retain(|(name, _)| name.contains("mit") || name.starts_with("notice"));
    }
    let read = |(_, path): &(String, PathBuf)| Ok(String::from_utf8_lossy(&fs::read(path)?).replace("\r\n", "\n"));
    names.iter().map(read).collect()
}

fn sbom(project: &Project, version: &str, epoch: u64, cargo: (Vec<String>, &[Part]), npm: Value) -> Result<Value> {
    let (own, crates) = cargo;
    let app = format!("pkg:generic/skrynka@{version}");
    let mut components = Vec::new();
    let mut depends = BTreeMap::<String, BTreeSet<String>>::new();
    let root = depends.entry(app.clone()).or_default();
    root.extend(own);
    for part in crates {
        let mut component = json!({
            "type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl,
            "licenses": [{ "expression": part.licence }],
        });
        if part.licence.is_empty() {
            component["licenses"] = json!([{ "license": { "name": "see third-party.txt" } }]);
        }
        if let Some(sum) = &part.sum {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        components.push(component);
        depends.entry(part.purl.clone()).or_default().extend(part.needs.iter().cloned());
    }
    for component in npm["components"].as_array().cloned().unwrap_or_default() {
        if let Some(name) = component["bom-ref"].as_str() {
            depends.entry(app.clone()).or_default().insert(name.to_owned());
        }
        components.push(component);
    }
    for entry in npm["dependencies"].as_array().cloned().unwrap_or_default() {
        let of = entry["ref"].as_str().unwrap_or_default();
        let on = entry["dependsOn"].as_array().cloned().unwrap_or_default();
        let on = on.iter().filter_map(|name| name.as_str().map(str::to_owned));
        depends.entry(of.to_owned()).or_default().extend(on);
    }
    for (name, number, licence) in postgres(project)? {
        let purl = format!("pkg:generic/{name}@{number}");
        components.push(json!({
            "type": if name == "postgresql" { "application" } else { "library" }, "bom-ref": purl, "name": name,
            "version": number, "purl": purl,
            "licenses": [{ "license": if licence.is_empty() { json!({ "name": "public domain" }) } else { json!({ "id": licence }) } }],
        }));
        depends.entry(app.clone()).or_default().insert(purl);
    }
    let depends: Vec<Value> = depends.iter().map(|(of, on)| json!({ "ref": of, "dependsOn": on })).collect();
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": { "type": "application", "bom-ref": app, "name": "skrynka", "version": version, "purl": app,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }] },
            "properties": [{ "name": "skrynka:source-date-epoch", "value": epoch.to_string() }],
        },
        "components": components,
        "dependencies": depends,
    }))
}

/// The server, and the libraries that are built into its package, which names their versions nowhere but in the files.
fn postgres(project: &Project) -> Result<Vec<(&'static str, String, &'static str)>> {
    let manifest: Value = serde_json::from_slice(&fs::read(project.path(POSTGRES).join("package.json"))?)?;
    let packages = manifest["optionalDependencies"].as_object().context("no Postgres among the dependencies")?;
    let version = packages.values().find_map(Value::as_str).context("no version of Postgres")?;
    let (number, _) = version.split_once(".0-").unwrap_or((version, ""));
    let mut parts = vec![("postgresql", number.to_owned(), "PostgreSQL")];
    if cfg!(target_os = "linux") {
        parts.extend([
            ("icu", "60.2".to_owned(), "Unicode-DFS-2016"),
            ("openssl", "1.1.1".to_owned(), "OpenSSL"),
            ("libxml2", "2.9.4".to_owned(), "MIT"),
            ("zlib", "1.2.11".to_owned(), "Zlib"),
            // In the public domain, which has no name in the list of licences.
            ("liblzma", "5.2.2".to_owned(), ""),
        ]);
    }
    Ok(parts)
}
