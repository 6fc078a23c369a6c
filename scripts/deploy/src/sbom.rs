//! `sbom`: what is in a plugin, as CycloneDX 1.5. Cargo knows; this only writes it down, the same bytes every time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use toml::Table;

use crate::fault::Fault;
use crate::outcome::{Outcome, Report};

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The plugin's package
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
pub(crate) fn run(args: &Args) -> Outcome {
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
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component("application", &root, &checksums),
            "properties": [{ "name": "rust:target", "value": args.target }],
        },
        "components": components,
        "dependencies": dependencies,
    });
    let text = serde_json::to_string_pretty(&document).map_err(|error| failed(&error.to_string()))?;
    Ok(Report { text: text + "\n", code: ExitCode::SUCCESS })
}

/// What is linked, macros and build scripts left out: they run on the builder's machine only.
fn tree(args: &Args) -> Result<(Crate, Tree), Fault> {
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
        let (depth, one) = parse(line).ok_or_else(|| failed(line))?;
        path.truncate(depth);
        if let Some(parent) = path.last() {
            tree.entry(parent.clone()).or_default().insert(one.clone());
        }
        tree.entry(one.clone()).or_default();
        path.push(one);
    }
    let root = path.into_iter().next().ok_or_else(|| failed("nothing printed"))?;
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
fn checksums(lock: &Path) -> Result<BTreeMap<(String, String), String>, Fault> {
    let text =
        std::fs::read_to_string(lock).map_err(|error| failed(&format!("{}: {error}", lock.display())))?;
    let lock: Table = text.parse().map_err(|error: toml::de::Error| failed(error.message()))?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let field = |package: &toml::Value, name: &str| package.get(name)?.as_str().map(str::to_owned);
    let of = |package: &toml::Value| {
        Some(((field(package, "name")?, field(package, "version")?), field(package, "checksum")?))
    };
    Ok(packages.into_iter().flatten().filter_map(of).collect())
}

fn output(command: &mut Command) -> Result<String, Fault> {
    let output = command.output().map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(why: &str) -> Fault {
    Fault::new(format!("no bill of materials ({why})"), "run this in the workspace, with cargo on the path")
}
