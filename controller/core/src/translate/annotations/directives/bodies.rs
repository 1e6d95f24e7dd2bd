//! Bodies of answers: other texts in them, and their compression.

use super::Meaning;
use super::meaning::{media_type, said};
use crate::model::{Charset, Gzip, MediaType, Substitutions};
use crate::names::shown;
use crate::settings::values;

type Done = Result<(), String>;

impl Meaning {
    /// `sub_filter` and `gzip` with their kin; `None`: it is something else.
    pub(super) fn body_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("charset", [name]) => self.characters(name),
            ("sub_filter", [from, to]) => self.substitution(from, to),
            ("sub_filter_types", kinds @ [_, ..]) => types(kinds).map(|types| self.substitutions().types = Some(types)),
            ("sub_filter_once", [once]) => said(values::on_off(once)).map(|once| self.every_occurrence = !once),
            ("gzip", [on]) => said(values::on_off(on)).map(|on| self.gzip().on = Some(on)),
            ("gzip_types", kinds @ [_, ..]) => types(kinds).map(|types| self.gzip().types = Some(types)),
            ("gzip_min_length", [bytes]) => said(values::bytes(bytes)).map(|bytes| self.gzip().min_bytes = Some(bytes)),
            ("gzip_comp_level", [level]) => compression_level(level).map(|level| self.gzip().level = Some(level)),
            ("gzip_vary", [on]) => said(values::on_off(on)).map(|on| self.gzip().vary = Some(on)),
            ("gzip_proxied", ["any"]) => self.set_gzip_proxied(true),
            ("gzip_proxied", ["off"]) => self.set_gzip_proxied(false),
            // As it is anyway; browsers that old have no TLS that would do.
            ("gzip_http_version", ["1.1"]) | ("gzip_disable", ["msie6"]) => Ok(()),
            _ => return None,
        })
    }

    fn characters(&mut self, name: &str) -> Done {
        let charset = Charset::new(name).ok_or_else(|| format!("{} is not the name of a set of characters", shown(name)))?;
        self.extra.charset = Some(charset).filter(|charset| charset.as_str() != "off");
        Ok(())
    }

    fn set_gzip_proxied(&mut self, any: bool) -> Done {
        self.gzip().proxied = Some(any);
        Ok(())
    }

    fn gzip(&mut self) -> &mut Gzip {
        self.extra.gzip.get_or_insert_default()
    }

    fn substitutions(&mut self) -> &mut Substitutions {
        self.extra.substitutions.get_or_insert_with(|| Substitutions { texts: Vec::new(), once: true, types: None })
    }

    fn substitution(&mut self, from: &str, to: &str) -> Done {
        if from.is_empty() {
            return Err("the text that it looks for is empty".to_owned());
        }
        let pair = (self.text(from)?, self.text(to)?);
        self.substitutions().texts.push(pair);
        Ok(())
    }
}

/// Empty: all.
fn types(kinds: &[&str]) -> Result<Vec<MediaType>, String> {
    if kinds == ["*"] { Ok(Vec::new()) } else { kinds.iter().map(|kind| media_type(kind)).collect() }
}

fn compression_level(text: &str) -> Result<u64, String> {
    match said(values::number(text))? {
        level @ 1..=9 => Ok(level),
        _ => Err("the level is not between 1 and 9".to_owned()),
    }
}
