//! `sbom`: what is in a program, as CycloneDX 1.5. Cargo knows; this only writes it down, the same bytes every time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use toml::Table;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The program
    #[arg(long)]
    program: String,
    /// Its package
    #[arg(long)]
    package: String,
    /// The target triple that it is built for
    #[arg(long)]
    target: String,
    /// Cargo.toml of the workspace
    #[arg(long, value_name = "FILE", default_value = "Cargo.toml")]
    manifest_path: PathBuf,
}

/// A crate in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    license: String,
    /// Whether it is of this workspace.
    ours: bool,
}

/// Who links whom.
type Tree = BTreeMap<Crate, BTreeSet<Crate>>;

/// Prints the document.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (root, tree) = tree(args)?;
    let checksums = checksums(&args.manifest_path.with_file_name("Cargo.lock"))?;
    let compiler = output(Command::new("rustc").arg("--version"))?;
    let compiler = compiler.split_whitespace().nth(1).unwrap_or("unknown");
    let mut components: Vec<Value> =
        tree.keys().filter(|one| **one != root).map(|one| component("library", one, &checksums)).collect();
    components.push(json!({
        "type": "library", "bom-ref": format!("rust-std@{compiler}"), "name": "rust-std", "version": compiler,
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
    }));
    let dependencies: Vec<Value> = tree
        .iter()
        .map(|(one, needs)| json!({ "ref": reference(one), "dependsOn": needs.iter().map(reference).collect::<Vec<_>>() }))
        .collect();
    let mut program = component("application", &root, &checksums);
    program["name"] = json!(args.program);
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": program,
            "properties": [{ "name": "rust:target", "value": args.target }],
        },
        "components": components,
        "dependencies": dependencies,
    });
    let text = serde_json::to_string_pretty(&document)?;
    writeln!(std::io::stdout().lock(), "{text}").context("nobody reads it")
}

/// What is linked, macros and build scripts left out: they run on the builder's machine only.
fn tree(args: &Args) -> Result<(Crate, Tree)> {
    let mut command = Command::new("cargo");
    command.args([
        "tree",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--format",
        "{p}|{l}",
    ]);
    command
        .args(["--package", &args.package, "--target", &args.target, "--manifest-path"])
        .arg(&args.manifest_path);
    let text = output(&mut command)?;
    let mut path: Vec<Crate> = Vec::new();
    let mut tree = Tree::new();
    for line in text.lines() {
        let (depth, one) = parse(line).with_context(|| format!("cargo tree says {line:?}"))?;
        path.truncate(depth);
        if let Some(parent) = path.last() {
            tree.entry(parent.clone()).or_default().insert(one.clone());
        }
        tree.entry(one.clone()).or_default();
        path.push(one);
    }
    let root = path.into_iter().next().context("cargo tree says nothing")?;
    Ok((root, tree))
}

/// `2serde v1.0.229|MIT OR Apache-2.0 (*)`
fn parse(line: &str) -> Option<(usize, Crate)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let (package, license) = line[digits..].split_once('|')?;
    let mut words = package.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.trim_start_matches('v').to_owned();
    let license = license.trim_end_matches(" (*)").replace(" / ", " OR ").replace('/', " OR ");
    Some((line[..digits].parse().ok()?, Crate { name, version, license, ours: package.contains('(') }))
}

fn component(kind: &str, one: &Crate, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": kind, "bom-ref": reference(one), "name": one.name, "version": one.version,
        "licenses": [{ "expression": one.license }],
    });
    if !one.ours {
        component["purl"] = json!(reference(one));
        let checksum = checksums.get(&(one.name.clone(), one.version.clone()));
        component["hashes"] = checksum.map_or(json!([]), |sum| json!([{ "alg": "SHA-256", "content": sum }]));
    }
    component
}

/// A package URL for what comes from crates.io; a crate of ours may share its name with one there.
fn reference(one: &Crate) -> String {
    let Crate { name, version, ours, .. } = one;
    if *ours { format!("{name}@{version}") } else { format!("pkg:cargo/{name}@{version}") }
}

/// Cargo.lock's checksums by name and version.
fn checksums(lock: &Path) -> Result<BTreeMap<(String, String), String>> {
    let text = std::fs::read_to_string(lock).with_context(|| lock.display().to_string())?;
    let lock: Table = text.parse().with_context(|| lock.display().to_string())?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let field = |package: &toml::Value, name: &str| package.get(name)?.as_str().map(str::to_owned);
    let of = |package: &toml::Value| {
        Some(((field(package, "name")?, field(package, "version")?), field(package, "checksum")?))
    };
    Ok(packages.into_iter().flatten().filter_map(of).collect())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
