//! What the directives of a snippet mean: each becomes a wish of the model, or is refused by name.

use super::reader::{self, Directive};
use crate::model::{AnswerHeader, Buffering, Condition, EarlyAnswer, Extra, Logging, RoutePolicy, SourceRanges, Test, Timeouts};
use crate::names::{HeaderName, TextPart, TextRegex, VariableText, shown};
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
    /// Texts of variables that `set` has given one.
    variables: BTreeMap<String, VariableText>,
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
    meaning.sources = sources(&meaning.rules)?;
    Ok(meaning)
}

type Done = Result<(), String>;

impl Meaning {
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
            ("return", given) => self.answer(None, given),
            ("set", [variable, value]) => self.set(variable, value),
            ("allow", [range]) => self.rule(true, range),
            ("deny", [range]) => self.rule(false, range),
            ("access_log", ["off"]) => {
                self.unlogged = true;
                Ok(())
            }
            (name, [value]) => self.number(name, value),
            ("proxy_buffers", [count, size]) => {
                self.buffering.upstream_buffers = Some(said(values::number(count))?);
                self.buffering.upstream_bytes = Some(said(values::bytes(size))?);
                Ok(())
            }
            _ => Err(unknown()),
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
            "proxy_max_temp_file_size" => self.buffering.temp_file_bytes = Some(said(values::bytes(value))?),
            _ => return Err(unknown()),
        }
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
    fn text(&self, text: &str) -> Result<VariableText, String> {
        let mut plain = text.to_owned();
        for (name, value) in &self.variables {
            let Some(value) = value.literal() else { continue };
            plain = plain.replace(&format!("${{{name}}}"), value);
            if plain == format!("${name}") {
                value.clone_into(&mut plain);
            }
        }
        VariableText::parse(&plain).map_err(|bad| bad.0)
    }

    fn set(&mut self, variable: &str, value: &str) -> Done {
        let name = variable.strip_prefix('$').ok_or("the first word is not a variable")?;
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good || crate::names::variable::is_variable(name) {
            return Err(format!("{} cannot be set", shown(variable)));
        }
        let value = self.text(value)?;
        if value.literal().is_none() {
            return Err("only a text without variables can be set".to_owned());
        }
        self.variables.insert(name.to_owned(), value);
        Ok(())
    }

    fn answer(&mut self, when: Option<Condition>, given: &[&str]) -> Done {
        if self.extra.answers.last().is_some_and(|answer| answer.when.is_none()) {
            return Ok(());
        }
        let (status, text) = match given {
            [one] if one.starts_with("http://") || one.starts_with("https://") || one.starts_with("$scheme") => ("302", *one),
            [status] => (*status, ""),
            [status, text] => (*status, *text),
            _ => return Err("it takes a status, and a text or URL".to_owned()),
        };
        let status = status.parse().ok().filter(|status| (200..=599).contains(status));
        let status: u16 = status.ok_or("the status is not between 200 and 599")?;
        let text = self.text(text)?;
        let redirects = [301, 302, 303, 307, 308].contains(&status);
        if redirects && text.parts().is_empty() {
            return Err("a redirect needs a URL".to_owned());
        }
        if redirects
            && text.parts().iter().any(|part| matches!(part, TextPart::Variable(name) if !crate::names::variable::is_url_variable(name)))
        {
            return Err("a variable cannot stand in a URL".to_owned());
        }
        self.extra.answers.push(EarlyAnswer { when, status, text });
        Ok(())
    }

    fn conditional(&mut self, words: &[&str], block: &[Directive]) -> Done {
        let condition = self.condition(words)?;
        match block {
            [Directive { name, arguments, block: None, .. }] if name == "return" => {
                let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
                self.answer(Some(condition), &given)
            }
            _ => Err("only one return is accepted inside".to_owned()),
        }
    }

    /// `($variable)`, or the variable, a comparison and what it is compared with.
    fn condition(&self, words: &[&str]) -> Result<Condition, String> {
        let wrong = || "the condition is not ($variable), with =, !=, ~, ~*, !~ or !~* and a text".to_owned();
        let mut words: Vec<&str> = words.to_vec();
        let first = words.first_mut().ok_or_else(wrong)?;
        *first = first.strip_prefix('(').ok_or_else(wrong)?;
        let last = words.last_mut().ok_or_else(wrong)?;
        *last = last.strip_suffix(')').ok_or_else(wrong)?;
        words.retain(|word| !word.is_empty());
        let variable = VariableText::parse(words.first().ok_or_else(wrong)?).map_err(|bad| bad.0)?;
        if !matches!(variable.parts(), [TextPart::Variable(_)]) {
            return Err(wrong());
        }
        let expression = |text: &str| TextRegex::new(text).map_err(|bad| bad.0);
        let matches = |text: &str, ignoring_case| Ok::<_, String>(Test::Matches { expression: expression(text)?, ignoring_case });
        let (test, negated) = match &words[1..] {
            [] => (matches("^(0.|[^0])", false)?, false),
            ["=" | "!="] => (matches("^.", false)?, words[1] == "="),
            [comparison @ ("=" | "!="), text] => {
                let text = self.text(text)?.literal().ok_or("it is compared with a variable")?.to_owned();
                if text.is_empty() { (matches("^.", false)?, *comparison == "=") } else { (Test::Is(text), *comparison == "!=") }
            }
            ["~", text] => (matches(text, false)?, false),
            ["~*", text] => (matches(text, true)?, false),
            ["!~", text] => (matches(text, false)?, true),
            ["!~*", text] => (matches(text, true)?, true),
            _ => return Err(wrong()),
        };
        Ok(Condition { variable, test, negated })
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
        headers.chain(answers.map(|answer| &answer.text)).chain(conditions)
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

fn unknown() -> String {
    "it has no meaning that could be given on every proxy".to_owned()
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
            ("if ($host = a) { proxy_pass http://x; }", "line 1: \"if\": only one return"),
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
