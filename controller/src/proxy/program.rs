//! The program of the proxy: whether it is there and new enough, before anything waits for it.

use crate::causes::of_path;
use gatewright_core::dialect::{Dialect, Version};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// There is no such program, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[error("{program}: {reason}")]
pub(crate) struct ProgramError {
    program: String,
    reason: String,
}

/// The file that would be run, looked up in `PATH` where the name has no slash.
///
/// # Errors
/// When there is none, or it cannot be run.
pub(crate) fn find(program: &Path) -> Result<PathBuf, ProgramError> {
    find_in(program, &std::env::var_os("PATH").unwrap_or_default())
}

/// The same, if its version is one that files are made for. One that does not tell its version is found out later.
///
/// # Errors
/// When there is none, it cannot be run, or it is too old.
pub(crate) fn find_usable(program: &Path, dialect: &Dialect) -> Result<PathBuf, ProgramError> {
    let found = find(program)?;
    let reason = version_of(&found, dialect).and_then(|version| dialect.too_old(version));
    reason.map_or(Ok(found), |reason| Err(ProgramError { program: program.display().to_string(), reason }))
}

/// What the program says its version is.
pub(crate) fn version_of(program: &Path, dialect: &Dialect) -> Option<Version> {
    let output = Command::new(program).args(dialect.version_args).stdin(Stdio::null()).output().ok()?;
    (dialect.version)(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()))
}

fn find_in(program: &Path, path: &std::ffi::OsStr) -> Result<PathBuf, ProgramError> {
    let failed = |reason: String| ProgramError { program: program.display().to_string(), reason };
    if program.components().count() > 1 || program.is_absolute() {
        return check(program).map(|()| program.to_owned()).map_err(failed);
    }
    let found = std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| check(file).is_ok());
    found.ok_or_else(|| failed("there is no such program in PATH; install it, or give its path".to_owned()))
}

fn check(file: &Path) -> Result<(), String> {
    const ANY_MAY_RUN: u32 = 0o111;
    match file.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no such program".to_owned()),
        Err(error) => Err(format!("the program cannot be read: {}", of_path(&error))),
        Ok(found) if !found.is_file() => Err("this is not a file; give the path of the program itself".to_owned()),
        Ok(found) if found.permissions().mode() & ANY_MAY_RUN == 0 => Err("the file may not be executed".to_owned()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_path_or_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("proxy");
        std::fs::write(&program, "").unwrap();
        let told = |given: &Path| find_in(given, folder.path().as_os_str()).map_err(|error| error.to_string());
        assert!(told(&program).unwrap_err().ends_with("the file may not be executed"));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!((told(&program), told(Path::new("proxy"))), (Ok(program.clone()), Ok(program)));
        assert!(told(Path::new("nowhere")).unwrap_err().contains("nowhere: there is no such program in PATH"));
        assert!(told(Path::new("/nowhere/proxy")).unwrap_err().ends_with("there is no such program"));
        assert!(told(folder.path()).unwrap_err().contains("this is not a file"));
    }
}
