//! The rules of the members against the manifest.

use std::collections::BTreeMap;

use super::fault::invalid;
use super::jpeg;
use super::limits::{MAX_GEOMETRY, MAX_NETWORK_BYTES};
use super::manifest::{
    GEOMETRY_MEMBER, Inside, LANDMARK_FLOATS, MANIFEST, Manifest, Warp, frame_member, matte_member,
};
use super::members::Members;
use super::rules::limit;
use crate::{Error, Result};

/// The members that are listed exist, and none besides.
pub(super) fn listed(members: &Members, files: &BTreeMap<String, String>) -> Result<()> {
    for name in files.keys() {
        members.size_of(name).ok_or_else(|| missing(name))?;
    }
    for member in members.iter() {
        if member.name != MANIFEST && !files.contains_key(member.name) {
            return Err(invalid(format!(
                "{:?} has no sha256 in the manifest's `files`: it is not part of the avatar",
                member.name
            )));
        }
    }
    Ok(())
}

/// Checks the members against the manifest, everything but their hashes: those named exist and none
/// besides, sizes and frames are as stated, numbers are finite.
pub(super) fn members(members: &Members, manifest: &Manifest) -> Result<()> {
    listed(members, &manifest.files)?;
    for (key, network) in [
        ("speech", &manifest.networks.speech),
        ("identity", &manifest.networks.identity),
    ] {
        network_member(key, &network.file, members)?;
    }
    if let Some(quantized) = &manifest.networks.identity.quantized {
        network_member("8-bit identity", &quantized.file, members)?;
        let s = manifest.crop.size as usize;
        sized(members, &quantized.alpha, s * s)?;
    }
    let (frame, c) = (&manifest.frame, manifest.coefficients.len());
    let p = manifest.crop.pose.len();
    let stride = manifest.geometry_stride();
    let geometry = floats(members, GEOMETRY_MEMBER, frame.count as usize * stride)?;
    for (i, row) in geometry.chunks_exact(stride).enumerate() {
        if let Some(value) = row.iter().find(|value| value.abs() > MAX_GEOMETRY) {
            return Err(invalid(format!(
                "{GEOMETRY_MEMBER} has {value} for frame {i}"
            )));
        }
        if let [a, b, _, d, e, _] = row[p..]
            && (a * e - b * d).abs() < 1e-6
        {
            return Err(invalid(format!(
                "{GEOMETRY_MEMBER}: the affine of frame {i} flattens the patch"
            )));
        }
    }
    if let Some(warp) = &manifest.warp {
        warp_members(members, warp, frame.count as usize, c)?;
    }
    let selftest = &manifest.selftest;
    let n = selftest.count as usize;
    let inputs = floats(members, &selftest.inputs, n * (c + p))?;
    drop(inputs);
    let s = manifest.crop.size as usize;
    sized(members, &selftest.patches, n * 4 * s * s)?;
    for i in 0..frame.count {
        let matte = manifest.matte.map(|_| matte_member(i));
        for name in [Some(frame_member(i)), matte].into_iter().flatten() {
            members.size_of(&name).ok_or_else(|| missing(&name))?;
            if let Ok(data) = members.get(&name) {
                picture(&name, data, manifest)?;
            }
        }
    }
    Ok(())
}

/// Checks a member that is a base frame or the matte of one.
pub(super) fn picture(name: &str, data: &[u8], manifest: &Manifest) -> Result<()> {
    let number = |(_, file): (&str, &str)| file.strip_suffix(".jpg")?.parse::<u32>().ok();
    let Some(index) = name.split_once('/').and_then(number) else {
        return Ok(());
    };
    let components = match name {
        name if name == frame_member(index) => jpeg::COLOR,
        name if name == matte_member(index) => jpeg::GREY,
        _ => return Ok(()),
    };
    let frame = &manifest.frame;
    jpeg::check(name, data, frame.width, frame.height, components)
}

fn warp_members(members: &Members, warp: &Warp, count: usize, c: usize) -> Result<()> {
    for (name, numbers) in [
        (&warp.landmarks, count * LANDMARK_FLOATS),
        (&warp.own, count * c),
        (&warp.matrix, c * c),
    ] {
        let values = floats(members, name, numbers)?;
        if let Some(value) = values.iter().find(|value| value.abs() > MAX_GEOMETRY) {
            return Err(invalid(format!("{name} has {value}")));
        }
    }
    if let Some(name) = &warp.limits {
        let values = floats(members, name, c)?;
        if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(invalid(format!("{name} has {value}; limits are 0 to 1")));
        }
    }
    match &warp.mouths {
        Some(mouths) => {
            let times =
                |px: u32, count: usize| px.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
            let height = times(mouths.height, mouths.gaps.len());
            let check = |name: &String, width: u32| {
                let data = members.get(name).map_err(|_| missing(name))?;
                jpeg::check(name, data, width, height, jpeg::COLOR)
            };
            check(&mouths.file, mouths.width)?;
            match &mouths.shapes {
                Some(shapes) => {
                    let columns = shapes.widths[0].len() * shapes.chins[0].len();
                    check(&shapes.file, times(mouths.width, columns))
                }
                None => Ok(()),
            }
        }
        None if warp.inside == Inside::Film => Err(invalid(
            "warp.inside is \"film\", and warp.mouths is missing",
        )),
        None => Ok(()),
    }
}

pub(super) fn network_member(key: &str, name: &str, members: &Members) -> Result<()> {
    let size = members.size_of(name).ok_or_else(|| missing(name))?;
    if size as u64 > MAX_NETWORK_BYTES {
        return Err(limit(format!(
            "the {key} network {name:?} has {size} bytes; at most {MAX_NETWORK_BYTES} are allowed"
        )));
    }
    Ok(())
}

/// A member of exactly `count` finite f32.
pub(super) fn floats(members: &Members, name: &str, count: usize) -> Result<Vec<f32>> {
    sized(members, name, count * 4)?;
    let floats = members.floats(name)?;
    match floats.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(invalid(format!("{name}: number {i} is {}", floats[i]))),
        None => Ok(floats),
    }
}

pub(super) fn sized(members: &Members, name: &str, bytes: usize) -> Result<()> {
    let size = members.size_of(name).ok_or_else(|| missing(name))?;
    if size != bytes {
        return Err(invalid(format!(
            "{name} has {size} bytes; {bytes} follow from the manifest"
        )));
    }
    Ok(())
}

fn missing(name: &str) -> Error {
    invalid(format!("the member {name:?} is missing"))
}
