//! Containers as the tests take them apart and put them together.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;

use essence::Error;
use essence::imx::{Container, MANIFEST, Writer};

/// All that is asked of a file before it is rendered.
pub(crate) fn open_for_rendering(path: &Path) -> Result<Container, Error> {
    let container = Container::open(path)?;
    container.manifest()?;
    container.verify()?;
    Ok(container)
}

/// Names and bytes of all members.
pub(crate) fn contents(container: &Container) -> Vec<(String, Vec<u8>)> {
    container
        .members()
        .map(|member| {
            (
                member.name.to_owned(),
                container.member(member.name).expect("it is there").to_vec(),
            )
        })
        .collect()
}

/// A writer with all members but the manifest.
pub(crate) fn rewritten(container: &Container) -> Writer {
    let mut writer = Writer::new();
    for (name, data) in contents(container) {
        if name != MANIFEST {
            writer.add(&name, data).expect("it was there");
        }
    }
    writer
}
