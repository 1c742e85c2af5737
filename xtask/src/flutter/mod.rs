//! The Flutter plugin: its raw layer from the headers, and its tests.

mod generate;
mod header;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::root;
use header::Header;

/// A raw layer: its header, its class of functions and its file.
const LAYERS: [(&str, &str, &str); 2] = [
    (
        "include/essence.h",
        "EssenceBindings",
        "bindings/flutter/lib/src/essence.g.dart",
    ),
    (
        "bindings/flutter/src/bithuman_core.h",
        "CoreBindings",
        "bindings/flutter/lib/src/core.g.dart",
    ),
];

/// `bindings flutter --generate`: Dart's raw layers; with `verify` says whether they are up to date.
pub(crate) fn generate(sh: &Shell, verify: bool) -> Result<()> {
    let headers = LAYERS
        .iter()
        .map(|(path, ..)| Header::read(&sh.read_file(root().join(path))?))
        .collect::<Result<Vec<_>>>()?;
    for (index, (path, class, file)) in LAYERS.iter().enumerate() {
        let known = (index > 0).then(|| (&headers[0], "essence.g.dart"));
        let text = generate::dart(&headers[index], class, path, known)?;
        let file = root().join(file);
        if !verify {
            sh.write_file(&file, text)?;
        } else if sh.read_file(&file).unwrap_or_default() != text {
            bail!(
                "{} is not what {path} gives; run `cargo xtask bindings flutter --generate` and commit it",
                file.display()
            );
        }
    }
    Ok(())
}
