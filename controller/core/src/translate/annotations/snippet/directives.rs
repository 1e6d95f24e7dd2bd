//! What the directives of a snippet mean: each becomes a wish of the model, or is refused by name.

use super::answers;
use super::reader::{self, Directive};
use crate::model::{
    AnswerHeader, Bandwidth, Buffering, CookieRewrite, Extra, Logging, MediaType, RoutePolicy, SourceRanges, Substitutions, Timeouts,
};
use crate::names::{HeaderName, VariableText, shown};
use crate::settings::values;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a snippet asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::translate) struct Meaning {
    pub(in crate::translate) extra: Extra,
    timeouts: Timeouts,
    buffering: Buffering,
    sources: Option<SourceRanges>,
    /// Nothing is logged.
    unlogged: bool,
    bandwidth: Option<Bandwidth>,
    cookie_domain: Option<CookieRewrite>,
    cookie_path: Option<CookieRewrite>,
    /// Texts of variables that `set` has given one, as they are written.
    variables: BTreeMap<String, String>,
    /// `sub_filter_once`.
    every_occurrence: bool,
    rules: Vec<(bool, Option<IpNet>)>,
}

/// Reads a snippet.
///
/// # Errors
/// With the line, the name of the directive, and what is wrong with it.
pub(in crate::translate) fn read(text: &str) -> Result<Meaning, String> {
    let mut meaning = Meaning::default();
    for directive in reader::read(text)? {
        meaning.directive(&directive).map_err(|why| format!("line {}: {}: {why}", directive.line, shown(&directive.name)))?;
    }
    meaning.finish()?;
    Ok(meaning)
}

/// The same for whoever may say everything: directives without a meaning are kept as they are.
///
/// # Errors
/// As [`read`], and for those that read files, write them or run code.
pub(in crate::translate) fn read_raw(text: &str) -> Result<Meaning, String> {
    let (mut meaning, mut raw) = (Meaning::default(), Vec::new());
    for directive in &reader::read(text)? {
        let why = match meaning.directive(directive) {
            Ok(()) => continue,
            Err(why) => why,
        };
        let no_meaning = why.starts_with(NO_MEANING) || (directive.block.is_some() && directive.name != "if");
        let kept = if no_meaning { super::raw::of(directive) } else { Err(why) };
        raw.push(kept.map_err(|why| format!("line {}: {}: {why}", directive.line, shown(&directive.name)))?);
    }
    meaning.finish()?;
    meaning.extra.raw = raw;
    Ok(meaning)
}

type Done = Result<(), String>;

impl Meaning {
    /// Puts together what several directives say.
    fn finish(&mut self) -> Done {
        self.sources = sources(&self.rules)?;
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
        match (directive.name.as_str(), arguments.as_slice()) {
            ("add_header", [name, value]) => self.answer_header(name, value, false, false),
            ("add_header", [name, value, "always"]) => self.answer_header(name, value, true, false),
            ("more_set_headers", lines) if !lines.is_empty() => lines.iter().try_for_each(|line| {
                let (name, value) = header_line(line)?;
                self.answer_header(name, value, true, true)
            }),
            ("more_clear_headers" | "proxy_hide_header", names) if !names.is_empty() => {
                names.iter().try_for_each(|name| header_name(name).map(|name| self.extra.hidden_headers.push(name)))
            }
            ("proxy_set_header" | "grpc_set_header", [name, value]) => self.request_header(name, value),
            ("more_set_input_headers", lines) if !lines.is_empty() => lines.iter().try_for_each(|line| {
                let (name, value) = header_line(line)?;
                self.request_header(name, value)
            }),
            ("more_clear_input_headers", names) if !names.is_empty() => names.iter().try_for_each(|name| self.request_header(name, "")),
            ("return", given) => answers::read(self, None, given),
            ("rewrite", given) => answers::rewrite(self, None, given),
            ("set", [variable, value]) => self.set(variable, value),
            ("allow", [range]) => self.rule(true, range),
            ("deny", [range]) => self.rule(false, range),
            ("access_log", ["off"]) => {
                self.unlogged = true;
                Ok(())
            }
            ("proxy_cookie_domain", pair @ ([_] | [_, _])) => {
                self.cookie_domain = said(values::cookie_rewrite(&pair.join(" ")))?;
                Ok(())
            }
            ("proxy_cookie_path", pair @ ([_] | [_, _])) => {
                self.cookie_path = said(values::cookie_rewrite(&pair.join(" ")))?;
                Ok(())
            }
            ("sub_filter", [from, to]) => self.substitution(from, to),
            ("sub_filter_types", types) if !types.is_empty() => self.substituted_types(types),
            (name, [value]) => self.number(name, value),
            ("proxy_buffers", [count, size]) => {
                self.buffering.upstream_buffers = Some(said(values::number(count))?);
                self.buffering.upstream_bytes = Some(said(values::bytes(size))?);
                Ok(())
            }
            (name, _) => Err(unknown(name)),
        }
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
        let name = HeaderName::settable(name).map_err(|bad| bad.0)?;
        let value = self.text(value)?;
        self.extra.request_headers.push((name, value));
        Ok(())
    }

    fn answer_header(&mut self, name: &str, value: &str, always: bool, replaces: bool) -> Done {
        const OWN: &[&str] = &["connection", "content-length", "date", "server", "transfer-encoding"];
        let name = header_name(name)?;
        if OWN.contains(&name.lower_case().as_str()) {
            return Err(format!("the header {name} is the proxy's own"));
        }
        let value = self.text(value)?;
        self.extra.answer_headers.push(AnswerHeader { name, value, always, replaces });
        Ok(())
    }

    /// A text, with the values of variables that were set before.
    pub(super) fn text(&self, text: &str) -> Result<VariableText, String> {
        VariableText::parse(&self.filled(text)).map_err(|bad| bad.0)
    }

    /// The same with the groups of an expression.
    pub(super) fn text_with_groups(&self, text: &str) -> Result<VariableText, String> {
        VariableText::parse_with_groups(&self.filled(text)).map_err(|bad| bad.0)
    }

    /// What was set stands in place of its variables. The result is read like any other text.
    fn filled(&self, text: &str) -> String {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            let behind = &rest[at + 1..];
            let bare = behind.strip_prefix('{').unwrap_or(behind);
            let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(bare.len());
            let (name, tail) = bare.split_at(end);
            let closed = if bare.len() == behind.len() { Some(tail) } else { tail.strip_prefix('}') };
            match (self.variables.get(name), closed) {
                (Some(value), Some(tail)) => {
                    filled.push_str(value);
                    rest = tail;
                }
                _ => {
                    filled.push('$');
                    rest = behind;
                }
            }
        }
        filled + rest
    }

    fn set(&mut self, variable: &str, value: &str) -> Done {
        let name = variable.strip_prefix('$').ok_or("the first word is not a variable")?;
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good || crate::names::variable::is_variable(name) {
            return Err(format!("{} cannot be set", shown(variable)));
        }
        let value = self.filled(value);
        VariableText::parse(&value).map_err(|bad| bad.0)?;
        // So that no name of it runs into what stands behind the variable.
        self.variables.insert(name.to_owned(), closed_names(&value));
        Ok(())
    }

    fn conditional(&mut self, words: &[&str], block: &[Directive]) -> Done {
        let condition = answers::condition(self, words)?;
        let [Directive { name, arguments, block: None, .. }] = block else {
            return Err("only one return or rewrite is accepted inside".to_owned());
        };
        let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match name.as_str() {
            "return" => answers::read(self, Some(condition), &given),
            "rewrite" => answers::rewrite(self, Some(condition), &given),
            _ => Err("only one return or rewrite is accepted inside".to_owned()),
        }
    }

    fn rule(&mut self, allows: bool, range: &str) -> Done {
        let range = if range == "all" { None } else { Some(*said(values::networks(range))?.first().ok_or("it names no address")?) };
        self.rules.push((allows, range));
        Ok(())
    }

    /// Every text that may have variables.
    pub(in crate::translate) fn texts(&self) -> impl Iterator<Item = &VariableText> {
        let extra = &self.extra;
        let headers = extra.request_headers.iter().map(|(_, value)| value).chain(extra.answer_headers.iter().map(|header| &header.value));
        let answers = extra.answers.iter();
        let conditions = extra.answers.iter().filter_map(|answer| answer.when.as_ref()).map(|when| &when.variable);
        let conditions = conditions.chain(extra.rewrites.iter().filter_map(|rewrite| rewrite.when.as_ref()).map(|when| &when.variable));
        let substitutions = extra.substitutions.iter().flat_map(|all| &all.texts).flat_map(|(from, to)| [from, to]);
        let targets = extra.rewrites.iter().map(|rewrite| &rewrite.target);
        headers.chain(answers.map(|answer| &answer.text)).chain(conditions).chain(targets).chain(substitutions)
    }

    /// Directives that only some proxies can follow.
    pub(in crate::translate) fn special(&self) -> impl Iterator<Item = &'static str> {
        let rate = self.bandwidth.as_ref();
        let there = [
            (self.extra.gzip.is_some(), "gzip"),
            (rate.is_some_and(|rate| rate.rate_kib.is_some()), "limit_rate"),
            (rate.is_some_and(|rate| rate.after_kib.is_some()), "limit_rate_after"),
            (self.extra.substitutions.is_some(), "sub_filter"),
        ];
        there.into_iter().filter_map(|(is_there, name)| is_there.then_some(name))
    }

    /// Whether the path for the endpoints is another one, which is too late for a whole host: its routes are found by the path.
    pub(in crate::translate) fn rewrites_paths(&self) -> bool {
        !self.extra.rewrites.is_empty()
    }

    /// The headers for endpoints, if it asks for nothing else.
    pub(in crate::translate) fn only_request_headers(&self) -> Option<Vec<(HeaderName, VariableText)>> {
        let headers = self.extra.request_headers.clone();
        let extra = Extra { request_headers: headers.clone(), ..Extra::default() };
        (*self == Self { extra, variables: self.variables.clone(), ..Self::default() }).then_some(headers)
    }

    /// Puts what the snippet asks for into the wishes of a route.
    ///
    /// # Errors
    /// With what is wished for twice.
    pub(in crate::translate) fn apply(self, route: &mut RoutePolicy) -> Result<(), &'static str> {
        let sources = self.sources.clone();
        if sources.is_some() && route.sources.is_some() {
            return Err("the addresses that may ask");
        }
        let outer = std::mem::take(route);
        self.apply_below(route);
        let inner = std::mem::replace(route, outer);
        if let Some(extra) = inner.extra {
            let outer = route.extra.take().unwrap_or_default();
            route.extra = Some(Arc::new(extra.behind(&outer)));
        }
        route.timeouts = merged(inner.timeouts, route.timeouts.take(), Timeouts::over);
        route.buffering = merged(inner.buffering, route.buffering.take(), Buffering::over);
        route.bandwidth = merged(inner.bandwidth, route.bandwidth.take(), Bandwidth::over);
        route.cookie_domain = inner.cookie_domain.or(route.cookie_domain.take());
        route.cookie_path = inner.cookie_path.or(route.cookie_path.take());
        route.logging = inner.logging.or(route.logging);
        route.sources = sources.or(route.sources.take());
        Ok(())
    }

    /// The same for what holds for more routes than this one: the wishes of the route itself go before.
    pub(in crate::translate) fn apply_below(&self, route: &mut RoutePolicy) {
        if self.extra != Extra::default() {
            let own = route.extra.take().unwrap_or_default();
            route.extra = Some(Arc::new(own.behind(&self.extra)));
        }
        let timeouts = Some(self.timeouts.clone()).filter(|timeouts| *timeouts != Timeouts::default());
        let buffering = Some(self.buffering.clone()).filter(|buffering| *buffering != Buffering::default());
        route.timeouts = merged(route.timeouts.take(), timeouts, Timeouts::over);
        route.buffering = merged(route.buffering.take(), buffering, Buffering::over);
        route.bandwidth = merged(route.bandwidth.take(), self.bandwidth.clone(), Bandwidth::over);
        if route.cookie_domain.is_none() {
            route.cookie_domain.clone_from(&self.cookie_domain);
        }
        if route.cookie_path.is_none() {
            route.cookie_path.clone_from(&self.cookie_path);
        }
        if route.sources.is_none() {
            route.sources.clone_from(&self.sources);
        }
        if self.unlogged && route.logging.is_none_or(|logging| logging.access.is_none()) {
            route.logging = Some(Logging { access: Some(false), ..route.logging.unwrap_or_default() });
        }
    }
}

/// One wish over another, where both are there.
fn merged<T>(over: Option<T>, under: Option<T>, join: fn(T, T) -> T) -> Option<T> {
    match (over, under) {
        (Some(over), Some(under)) => Some(join(over, under)),
        (over, under) => over.or(under),
    }
}

/// nginx takes the first rule that an address is in; ours are addresses that are denied, then those that alone are allowed.
fn sources(rules: &[(bool, Option<IpNet>)]) -> Result<Option<SourceRanges>, String> {
    let mut rest = rules;
    let mut take = |allows: bool| {
        let count = rest.iter().take_while(|(own, range)| *own == allows && range.is_some()).count();
        let (taken, behind) = rest.split_at(count);
        rest = behind;
        let mut ranges: Vec<IpNet> = taken.iter().filter_map(|(_, range)| *range).collect();
        ranges.sort_unstable();
        ranges.dedup();
        ranges
    };
    let (mut denied, allowed) = (take(false), take(true));
    match (rest, allowed.is_empty()) {
        ([] | [(true, None)], true) => {}
        ([(false, None)], true) => denied = everybody(),
        ([(false, None)], false) => {}
        _ => return Err("allow and deny are read in one order only: deny some, allow some, deny all".to_owned()),
    }
    Ok((!denied.is_empty() || !allowed.is_empty()).then_some(SourceRanges { denied, allowed }))
}

fn everybody() -> Vec<IpNet> {
    vec![IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())]
}

/// The same text with braces around every name.
fn closed_names(text: &str) -> String {
    let (mut closed, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        let behind = &rest[at + 1..];
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(behind.len());
        closed.push_str(&rest[..at]);
        closed.push_str(&if end == 0 { "$".to_owned() } else { format!("${{{}}}", &behind[..end]) });
        rest = &behind[end..];
    }
    closed + rest
}

const NO_MEANING: &str = "it has no meaning";

/// What says the same as a directive that has no meaning here.
const OTHERS: &[(&str, &str)] = &[
    ("auth_basic", "auth-type"),
    ("auth_basic_user_file", "auth-secret"),
    ("auth_request", "auth-url"),
    ("error_page", "custom-http-errors"),
    ("limit_conn", "limit-connections"),
    ("limit_req", "limit-rps or limit-rpm"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_become_wishes() {
        let text = "more_set_headers \"X-A: b\" 'X-C: $host';\nadd_header X-D e always;\nproxy_set_header X-In $remote_addr;\n\
                    proxy_hide_header X-P;\nproxy_read_timeout 5m;\nclient_max_body_size 8m;\nproxy_buffering on;\naccess_log off;";
        let read = read(text).unwrap();
        let headers: Vec<_> = read.extra.answer_headers.iter().map(|h| (h.name.as_str(), h.always, h.replaces)).collect();
        assert_eq!(headers, [("X-A", true, true), ("X-C", true, true), ("X-D", true, false)]);
        assert_eq!((read.extra.request_headers.len(), read.extra.hidden_headers.len()), (1, 1));
        assert_eq!(
            (read.timeouts.read_s, read.buffering.body_limit_bytes, read.buffering.buffer_responses),
            (Some(300), Some(8 << 20), Some(true))
        );
        assert!(read.unlogged);
    }

    #[test]
    fn answers_have_conditions_and_end_at_the_first_without() {
        let text = "set $code blocked;\nif ($http_x = \"\") { return 403; }\nif ($http_user_agent ~* \"(curl|wget) x\") { return 429 \"$code\"; }\n\
                    if ($arg_a) { return 302 https://$host/b; }\nreturn 404;\nreturn 200;";
        let answers = read(text).unwrap().extra.answers;
        let shape: Vec<_> = answers.iter().map(|a| (a.status, a.when.as_ref().map(|when| when.negated))).collect();
        assert_eq!(shape, [(403, Some(true)), (429, Some(false)), (302, Some(false)), (404, None)]);
        assert_eq!(answers[1].text.literal(), Some("blocked"));
    }

    #[test]
    fn paths_are_rewritten_or_redirected_by_their_flag() {
        let text = "set $to https://$host;\nrewrite ^/old/(.*)$ $to/new/$1 permanent;\nif ($arg_a) { rewrite ^ /x redirect; }\n\
                    rewrite ^/d http://e.example/;\nrewrite ^/b/(.*)$ /c/$1 break;";
        let extra = read(text).unwrap().extra;
        let shape: Vec<_> = extra.answers.iter().map(|a| (a.status, a.when.is_some(), a.path.as_ref().map(ToString::to_string))).collect();
        let of = |path: &str| Some(path.to_owned());
        assert_eq!(shape, [(301, false, of("^/old/(.*)$")), (302, true, of("^")), (302, false, of("^/d"))]);
        assert_eq!((extra.rewrites.len(), extra.rewrites[0].target.parts().len()), (1, 2));
        assert!(extra.answers[0].text.uses(&["host"]));
    }

    #[test]
    fn answers_get_their_type_age_and_texts() {
        let text = "default_type application/json;\nexpires 1h;\ngzip off;\nlimit_rate 100k;\nproxy_cookie_path /a /b;\n\
                    sub_filter a 'b $host';\nsub_filter_once off;\nsub_filter_types *;";
        let read = read(text).unwrap();
        assert_eq!((read.extra.expires, read.extra.gzip), (Some(crate::model::Expires::After(3600)), Some(false)));
        assert_eq!(read.extra.default_type.as_ref().map(MediaType::as_str), Some("application/json"));
        let substitutions = read.extra.substitutions.as_ref().unwrap();
        assert!(!substitutions.once && substitutions.types == Some(Vec::new()) && substitutions.texts.len() == 1);
        assert_eq!(read.special().collect::<Vec<_>>(), ["gzip", "limit_rate", "sub_filter"]);
        let mut route = RoutePolicy::default();
        read.apply(&mut route).unwrap();
        assert_eq!(route.bandwidth.unwrap().rate_kib, Some(100));
        assert!(route.cookie_path.is_some() && route.cookie_domain.is_none());
    }

    #[test]
    fn lists_of_addresses_are_read_in_one_order() {
        let ranges = |text| read(text).map(|read| read.sources.map(|s| (s.denied.len(), s.allowed.len())));
        assert_eq!(ranges("deny 10.0.0.1; allow 10.0.0.0/8; deny all;"), Ok(Some((1, 1))));
        assert_eq!(ranges("deny 10.0.0.1;"), Ok(Some((1, 0))));
        assert_eq!(ranges("deny all;"), Ok(Some((2, 0))));
        assert_eq!(ranges("allow all;"), Ok(None));
        assert!(ranges("allow 10.0.0.1;").is_err() && ranges("allow 10.0.0.1; deny all; allow 10.0.0.2;").is_err());
    }

    #[test]
    fn everything_else_is_refused_by_name_and_line() {
        for (bad, begins) in [
            ("root /etc;", "line 1: \"root\": it has no meaning"),
            ("a b;\n", "line 1: \"a\""),
            ("\ncontent_by_lua_block { x; }", "line 2: \"content_by_lua_block\": blocks"),
            ("location /x { return 200; }", "line 1: \"location\": blocks"),
            ("proxy_pass http://127.0.0.1;", "line 1: \"proxy_pass\""),
            ("add_header Server x;", "line 1: \"add_header\": the header Server"),
            ("add_header \"X\\nY\" z;", "line 1: \"add_header\""),
            ("proxy_set_header Content-Length 5;", "line 1: \"proxy_set_header\""),
            ("add_header A $nosuch;", "line 1: \"add_header\""),
            ("if ($a ~ \"(\") { return 403; }", "line 1: \"if\""),
            ("if ($host = a) { proxy_pass http://x; }", "line 1: \"if\": only one return or rewrite"),
            ("rewrite ^/a /b last;", "line 1: \"rewrite\": the flag"),
            ("rewrite ^/a /b?c=$1 break;", "line 1: \"rewrite\": a query"),
            ("rewrite ^/(a $1 break;", "line 1: \"rewrite\""),
            ("rewrite ^/a http://$http_x/ redirect;", "line 1: \"rewrite\": a variable"),
            ("expires modified +1h;", "line 1: \"expires\""),
            ("rewrite ^/a /b break;\nreturn 200;", "line 2: \"return\": it stands behind"),
            ("limit_req zone=x;", "line 1: \"limit_req\": it has no meaning that could be given on every proxy; the annotation limit-rps"),
            ("sub_filter_types text/css;", "there is no sub_filter"),
            ("if (-f /etc/passwd) { return 200; }", "line 1: \"if\""),
            ("return 302 $http_x;", "line 1: \"return\""),
            ("return 99;", "line 1: \"return\""),
            ("set $host x;", "line 1: \"set\""),
            ("}", "line 1: punctuation"),
        ] {
            let why = read(bad).unwrap_err();
            assert!(why.starts_with(begins), "{bad}: {why}");
        }
    }
}
