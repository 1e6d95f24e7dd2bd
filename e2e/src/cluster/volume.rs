//! The files of a volume, as a kubelet writes and renews them: all at once.

use k8s_openapi::ByteString;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Puts the data of a Secret into a volume, in the place of what was there: into a hidden folder, which a link is then
/// turned to; the names that people see lead through that link.
pub(super) fn publish(volume: &Path, secret: &Value) -> io::Result<()> {
    let before = fs::read_link(volume.join("..data")).ok();
    let version = before.as_ref().map_or("..1".to_owned(), |before| format!("{}1", before.display()));
    fs::create_dir(volume.join(&version))?;
    let data: BTreeMap<String, ByteString> = serde_json::from_value(secret["data"].clone())?;
    for (key, value) in data {
        fs::write(volume.join(&version).join(&key), value.0)?;
        if fs::symlink_metadata(volume.join(&key)).is_err() {
            symlink(Path::new("..data").join(&key), volume.join(&key))?;
        }
    }
    symlink(&version, volume.join("..data_tmp"))?;
    fs::rename(volume.join("..data_tmp"), volume.join("..data"))?;
    before.map_or(Ok(()), |before| fs::remove_dir_all(volume.join(before)))
}
