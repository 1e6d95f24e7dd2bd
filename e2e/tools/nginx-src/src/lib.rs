//! Only names a dependency; see the manifest.
