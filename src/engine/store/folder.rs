//! The state folder: made closed to others, ignored by git, and refused where locks cannot be trusted.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use crate::engine::EngineError;

/// Makes the state folder: closed to others, and ignored by git.
pub(super) fn prepare(state: &Path) -> Result<(), EngineError> {
    let cannot = |e: &std::io::Error| {
        EngineError::surroundings(format!("the state folder `{}` cannot be used: {e}", state.display()))
            .help("name another one with `--state DIR`")
    };
    if !state.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(|e| cannot(&e))?;
    }
    let ignore = state.join(".gitignore");
    if !ignore.exists() {
        fs::set_permissions(state, fs::Permissions::from_mode(0o700)).map_err(|e| cannot(&e))?;
        if let Err(error) = fs::write(&ignore, "*\n") {
            // On a full disk an empty file is left, which the next job would take for ours.
            let _outcome = fs::remove_file(&ignore);
            return Err(cannot(&error));
        }
    }
    if let Some(kind) = network_file_system(state) {
        return Err(EngineError::surroundings(format!(
            "the state folder `{}` lies on a network file system ({kind}), where locks cannot be trusted",
            state.display()
        ))
        .help("name a folder on a local disk with `--state DIR`"));
    }
    Ok(())
}

/// Returns the name of the network file system that a folder lies on, by the magic numbers of statfs(2).
fn network_file_system(path: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    match kind & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x517b => Some("SMB"),
        0x5346_414f => Some("AFS"),
        0x0102_1997 => Some("9P"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}
