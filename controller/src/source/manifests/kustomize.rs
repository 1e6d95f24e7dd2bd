//! Kustomizations: what they build is not what lies beside them.

use super::helm::is_word;
use gatewright_core::diagnostic::{Code, Diagnostic};
use std::path::Path;

/// Whether a file is one, by the names that kustomize looks for.
pub(super) fn is_kustomization(file: &Path) -> bool {
    file.file_name().is_some_and(|name| ["kustomization.yaml", "kustomization.yml"].iter().any(|known| name == *known))
}

/// What is said of it.
pub(super) fn finding(file: &Path) -> Diagnostic {
    let folder = file.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let folder = folder.map(Path::display).map(|folder| folder.to_string()).filter(|folder| is_word(folder));
    let folder = folder.as_deref().unwrap_or("DIR");
    let message = "what the kustomization builds is not read, but the files of the folder as they are written";
    Diagnostic::of_input(Code::Kustomization, message)
        .help(format!("look at what it gives: kubectl kustomize {folder} | gatewright lint -f -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_the_folder_where_that_is_one_word() {
        for (file, folder) in [
            ("kustomization.yaml", "."),
            ("deploy/prod/kustomization.yml", "deploy/prod"),
            ("a; b/kustomization.yaml", "DIR"),
            ("git:HEAD:deploy/kustomization.yaml", "DIR"),
        ] {
            assert!(is_kustomization(Path::new(file)));
            assert!(finding(Path::new(file)).help.contains(&format!("kubectl kustomize {folder} |")), "{file}");
        }
        assert!(!is_kustomization(Path::new("kustomization.yaml/a.yaml")));
    }
}
