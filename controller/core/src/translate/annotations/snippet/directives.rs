//! What the directives of a snippet mean: each becomes a wish of the model, or is refused by name.

use super::limits::LimitUse;
use super::reader::{self, Directive};
use super::sources::sources;
use super::{answered, answers};
use crate::model::{
    AnswerHeader, Bandwidth, Buffering, ClientLimits, CookieRewrite, Extra, MediaType, SourceRanges, Substitutions, Timeouts,
};
use crate::names::{HeaderName, shown};
use crate::settings::{LimitZones, SnippetKey, values};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// What a snippet asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::translate) struct Meaning {
    pub(in crate::translate) extra: Extra,
    pub(super) timeouts: Timeouts,
    pub(super) buffering: Buffering,
    pub(super) sources: Option<SourceRanges>,
    /// Nothing is logged.
    pub(super) unlogged: bool,
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) cookie_domain: Option<CookieRewrite>,
    pub(super) cookie_path: Option<CookieRewrite>,
    /// Texts of variables that `set` has given one, as they are written.
    pub(super) variables: BTreeMap<String, String>,
    /// Headers of the service that decides, by variables that `auth_request_set` has given one.
    pub(super) answered: BTreeMap<String, HeaderName>,
    /// `sub_filter_once`.
    pub(super) every_occurrence: bool,
    pub(super) rules: Vec<(bool, Option<IpNet>)>,
    /// Zones that it defines.
    pub(super) zones: LimitZones,
    pub(super) limit_uses: Vec<LimitUse>,
    pub(super) limits: Option<ClientLimits>,
}

/// Reads a snippet. `zones`: those that are defined further out.
///
/// # Errors
/// With the line, the name of the directive, and what is wrong with it.
pub(in crate::translate) fn read(text: &str, zones: &LimitZones) -> Result<Meaning, String> {
    without_zones(read_outermost(text, zones)?)
}

fn without_zones(meaning: Meaning) -> Result<Meaning, String> {
    if meaning.zones.is_empty() { Ok(meaning) } else { Err(format!("zones are not defined here, but in {}", SnippetKey::Http.as_str())) }
}

/// The same where zones may be defined.
///
/// # Errors
/// As [`read`].
pub(in crate::translate) fn read_outermost(text: &str, zones: &LimitZones) -> Result<Meaning, String> {
    let (directives, mut meaning) = (reader::read(text)?, Meaning::default());
    meaning.learn(&directives);
    for directive in &directives {
        meaning.directive(directive).map_err(|why| format!("line {}: {}: {why}", directive.line, shown(&directive.name)))?;
    }
    meaning.finish(zones)?;
    Ok(meaning)
}

/// The same for whoever may say everything: directives without a meaning are kept as they are.
///
/// # Errors
/// As [`read`], and for those that read files, write them or run code.
pub(in crate::translate) fn read_raw(text: &str, zones: &LimitZones) -> Result<Meaning, String> {
    let (directives, mut meaning, mut raw) = (reader::read(text)?, Meaning::default(), Vec::new());
    meaning.learn(&directives);
    for directive in &directives {
        let why = match meaning.directive(directive) {
            Ok(()) => continue,
            Err(why) => why,
        };
        let no_meaning = why.starts_with(NO_MEANING) || (directive.block.is_some() && directive.name != "if");
        let kept = if no_meaning { super::raw::of(directive) } else { Err(why) };
        raw.push(kept.map_err(|why| format!("line {}: {}: {why}", directive.line, shown(&directive.name)))?);
    }
    meaning.finish(zones)?;
    meaning.extra.raw = raw;
    without_zones(meaning)
}

type Done = Result<(), String>;

impl Meaning {
    /// Puts together what several directives say.
    fn finish(&mut self, zones: &LimitZones) -> Done {
        self.sources = sources(&self.rules)?;
        self.count_in(zones)?;
        if let Some(substitutions) = &mut self.extra.substitutions {
            if substitutions.texts.is_empty() {
                return Err("there is no sub_filter".to_owned());
            }
            substitutions.once = !self.every_occurrence;
        }
        Ok(())
    }

    fn directive(&mut self, directive: &Directive) -> Done {
        let arguments: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
        if let Some(block) = &directive.block {
            return if directive.name == "if" { self.conditional(&arguments, block) } else { Err("blocks are not accepted".to_owned()) };
        }
        let (name, given) = (directive.name.as_str(), arguments.as_slice());
        let headers = self.header_directive(name, given);
        let read = headers.or_else(|| self.limit_directive(name, given)).or_else(|| self.other_directive(name, given));
        read.unwrap_or_else(|| Err(unknown(name)))
    }

    /// Headers of requests and answers; `None`: it is something else.
    fn header_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        if given.is_empty() {
            return None;
        }
        Some(match (name, given) {
            ("add_header", [name, value]) => self.answer_header(name, value, false, false),
            ("add_header", [name, value, "always"]) => self.answer_header(name, value, true, false),
            ("more_set_headers", lines) => lines.iter().try_for_each(|line| {
                let (name, value) = header_line(line)?;
                self.answer_header(name, value, true, true)
            }),
            ("more_clear_headers" | "proxy_hide_header", names) => {
                names.iter().try_for_each(|name| header_name(name).map(|name| self.extra.hidden_headers.push(name)))
            }
            ("proxy_set_header" | "grpc_set_header", [name, value]) => self.request_header(name, value),
            ("more_set_input_headers", lines) => lines.iter().try_for_each(|line| {
                let (name, value) = header_line(line)?;
                self.request_header(name, value)
            }),
            ("more_clear_input_headers", names) => names.iter().try_for_each(|name| self.request_header(name, "")),
            _ => return None,
        })
    }

    /// Who may ask, and how much; `None`: it is something else.
    fn limit_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("allow", [range]) => self.rule(true, range),
            ("deny", [range]) => self.rule(false, range),
            ("limit_req_zone", [key, words @ ..]) => self.rate_zone(key, words),
            ("limit_conn_zone", [key, zone]) => self.connection_zone(key, zone),
            ("limit_req", words) => self.limit_requests(words),
            ("limit_conn", [zone, number]) => self.limit_connections(zone, number),
            _ => return None,
        })
    }

    /// Answers, texts and what has one number; `None`: it has no meaning.
    fn other_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("return", given) => answers::read(self, None, given),
            ("rewrite", given) => answers::rewrite(self, None, given),
            ("set", [variable, value]) => self.set(variable, value),
            (answered::SET, given) => answered::named(given).map(|_| ()),
            ("access_log", ["off"]) => {
                self.unlogged = true;
                Ok(())
            }
            ("proxy_cookie_domain", pair @ ([_] | [_, _])) => cookie_rewrite(&mut self.cookie_domain, pair),
            ("proxy_cookie_path", pair @ ([_] | [_, _])) => cookie_rewrite(&mut self.cookie_path, pair),
            ("sub_filter", [from, to]) => self.substitution(from, to),
            ("sub_filter_types", types) if !types.is_empty() => self.substituted_types(types),
            ("proxy_buffers", [count, size]) => self.upstream_buffers(count, size),
            (name, [value]) => self.number(name, value),
            _ => return None,
        })
    }

    fn upstream_buffers(&mut self, count: &str, size: &str) -> Done {
        self.buffering.upstream_buffers = Some(said(values::number(count))?);
        self.buffering.upstream_bytes = Some(said(values::bytes(size))?);
        Ok(())
    }

    /// Times, sizes and switches.
    fn number(&mut self, name: &str, value: &str) -> Done {
        let at_least_one = |seconds: u64| seconds.max(1);
        match name {
            "proxy_connect_timeout" => self.timeouts.connect_s = Some(said(values::seconds(value)).map(at_least_one)?),
            "proxy_read_timeout" | "grpc_read_timeout" => self.timeouts.read_s = Some(said(values::seconds(value)).map(at_least_one)?),
            "proxy_send_timeout" | "grpc_send_timeout" => self.timeouts.send_s = Some(said(values::seconds(value)).map(at_least_one)?),
            "client_max_body_size" => self.buffering.body_limit_bytes = Some(said(values::bytes(value))?),
            "client_body_buffer_size" => self.buffering.client_body_bytes = Some(said(values::bytes(value))?),
            "proxy_buffering" => self.buffering.buffer_responses = Some(said(values::on_off(value))?),
            "proxy_request_buffering" => self.buffering.buffer_requests = Some(said(values::on_off(value))?),
            "proxy_buffer_size" => self.buffering.upstream_bytes = Some(said(values::bytes(value))?),
            "proxy_busy_buffers_size" => self.buffering.busy_upstream_bytes = Some(said(values::bytes(value))?),
            "expires" => self.extra.expires = Some(answers::expires(value)?),
            "default_type" => self.extra.default_type = Some(MediaType::new(value).ok_or("it is not a media type")?),
            "gzip" => self.extra.gzip = Some(said(values::on_off(value))?),
            "sub_filter_once" => self.every_occurrence = !said(values::on_off(value))?,
            "limit_rate" => self.bandwidth().rate_kib = Some(said(values::bytes(value))?.div_ceil(1024)),
            "limit_rate_after" => self.bandwidth().after_kib = Some(said(values::bytes(value))?.div_ceil(1024)),
            "proxy_max_temp_file_size" => self.buffering.temp_file_bytes = Some(said(values::bytes(value))?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn bandwidth(&mut self) -> &mut Bandwidth {
        self.bandwidth.get_or_insert(Bandwidth { rate_kib: None, after_kib: None })
    }

    fn substitutions(&mut self) -> &mut Substitutions {
        self.extra.substitutions.get_or_insert_with(|| Substitutions { texts: Vec::new(), once: true, types: None })
    }

    fn substitution(&mut self, from: &str, to: &str) -> Done {
        if from.is_empty() {
            return Err("it looks for nothing".to_owned());
        }
        let pair = (self.text(from)?, self.text(to)?);
        self.substitutions().texts.push(pair);
        Ok(())
    }

    fn substituted_types(&mut self, types: &[&str]) -> Done {
        let read = |text: &&str| MediaType::new(text).ok_or_else(|| format!("{} is not a media type", shown(text)));
        let types = if types == ["*"] { Vec::new() } else { types.iter().map(read).collect::<Result<_, _>>()? };
        self.substitutions().types = Some(types);
        Ok(())
    }

    fn request_header(&mut self, name: &str, value: &str) -> Done {
        let name = header_name(name)?;
        let value = self.header_text(value)?;
        self.extra.request_headers.push((name, value));
        Ok(())
    }

    fn answer_header(&mut self, name: &str, value: &str, always: bool, replaces: bool) -> Done {
        const OWN: &[&str] = &["connection", "content-length", "date", "server", "transfer-encoding"];
        let name = header_name(name)?;
        if OWN.contains(&name.lower_case().as_str()) {
            return Err(format!("the header {name} is the proxy's own"));
        }
        let value = self.header_text(value)?;
        if !replaces && answered::is_cookie(&name, &value) {
            return if always { Err("the annotation auth-always-set-cookie says so".to_owned()) } else { Ok(()) };
        }
        self.extra.answer_headers.push(AnswerHeader { name, value, always, replaces });
        Ok(())
    }

    fn conditional(&mut self, words: &[&str], block: &[Directive]) -> Done {
        const INSIDE: &str = "only headers and one return, or one rewrite, are accepted inside";
        let condition = answers::condition(self, words)?;
        let Some((Directive { name, arguments, block: None, .. }, before)) = block.split_last() else {
            return Err(INSIDE.to_owned());
        };
        let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match name.as_str() {
            "return" => {
                let headers = self.headers_inside(before)?.ok_or(INSIDE)?;
                answers::with_headers(self, condition, &given, headers)
            }
            "rewrite" if before.is_empty() => answers::rewrite(self, Some(condition), &given),
            _ => Err(INSIDE.to_owned()),
        }
    }

    /// Headers of one answer; `None`: there is something else among them.
    fn headers_inside(&self, directives: &[Directive]) -> Result<Option<Vec<AnswerHeader>>, String> {
        let mut inside = Self { variables: self.variables.clone(), answered: self.answered.clone(), ..Self::default() };
        for Directive { name, arguments, block, .. } in directives {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let is_header = block.is_none() && ["add_header", "more_set_headers"].contains(&name.as_str());
            // People say of a preflight that it has no body, which is so anyway.
            if is_header && matches!(words.as_slice(), [name, "0", ..] if name.eq_ignore_ascii_case("content-length")) {
                continue;
            }
            match inside.header_directive(name, &words).filter(|_| is_header) {
                Some(done) => done.map_err(|why| format!("{}: {why}", shown(name)))?,
                None => return Ok(None),
            }
        }
        let headers = inside.extra.answer_headers.into_iter();
        let known = |header: AnswerHeader| Ok(AnswerHeader { value: answered::without_answers(header.value)?, ..header });
        headers.map(known).collect::<Result<_, String>>().map(Some)
    }

    fn rule(&mut self, allows: bool, range: &str) -> Done {
        let range = if range == "all" { None } else { Some(*said(values::networks(range))?.first().ok_or("it names no address")?) };
        self.rules.push((allows, range));
        Ok(())
    }
}

pub(super) const NO_MEANING: &str = "it has no meaning";

/// What says the same as a directive that has no meaning here.
const OTHERS: &[(&str, &str)] = &[
    ("auth_basic", "auth-type"),
    ("auth_basic_user_file", "auth-secret"),
    ("auth_request", "auth-url"),
    ("error_page", "custom-http-errors"),
    ("mirror", "mirror-target"),
    ("proxy_http_version", "proxy-http-version"),
    ("proxy_next_upstream", "proxy-next-upstream"),
    ("proxy_redirect", "proxy-redirect-from"),
    ("proxy_ssl_verify", "proxy-ssl-verify"),
    ("satisfy", "satisfy"),
];

fn unknown(name: &str) -> String {
    let other =
        OTHERS.iter().find(|(own, _)| *own == name).map_or_else(String::new, |(_, other)| format!("; the annotation {other} has one"));
    format!("{NO_MEANING} that could be given on every proxy{other}")
}

fn cookie_rewrite(place: &mut Option<CookieRewrite>, pair: &[&str]) -> Done {
    *place = said(values::cookie_rewrite(&pair.join(" ")))?;
    Ok(())
}

fn said<T>(read: Result<T, values::Bad>) -> Result<T, String> {
    read.map_err(|(message, _)| message)
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    HeaderName::settable(text).map_err(|bad| bad.0)
}

/// `Name: value`; without a value the header is dropped.
fn header_line(line: &str) -> Result<(&str, &str), String> {
    if line.starts_with('-') {
        return Err(format!("the option {} is not accepted", shown(line)));
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    Ok((name.trim(), value.trim()))
}
