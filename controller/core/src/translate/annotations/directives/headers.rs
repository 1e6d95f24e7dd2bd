//! Headers of requests and answers.

use super::Meaning;
use super::answered;
use super::blocks::HeaderBlock;
use super::meaning::media_type;
use super::reader::Directive;
use crate::model::{AnswerHeader, Condition, MediaType, RequestHeader, Test};
use crate::names::{HeaderName, TextRegex, VariableText, shown};

type Done = Result<(), String>;

/// Which answers a header is for, and what becomes of the endpoint's.
struct Only {
    always: bool,
    replaces: bool,
    statuses: Vec<u16>,
    types: Vec<MediaType>,
}

impl Only {
    /// `add_header`.
    const ADDED: Self = Self { always: false, replaces: false, statuses: Vec::new(), types: Vec::new() };

    /// The options of `more_set_headers`, and the words without them: `-s STATUSES`, `-t TYPES`, `-a`.
    fn read<'w>(words: &[&'w str]) -> Result<(Self, Vec<&'w str>), String> {
        let (mut only, mut rest) = (Self { always: true, replaces: true, ..Self::ADDED }, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut listed =
                || words.next().map(|list| list.split_ascii_whitespace()).ok_or_else(|| format!("{} takes a list", shown(word)));
            match *word {
                "-s" => only.statuses.extend(listed()?.map(status).collect::<Result<Vec<_>, _>>()?),
                "-t" => only.types.extend(listed()?.map(media_type).collect::<Result<Vec<_>, _>>()?),
                "-a" => only.replaces = false,
                word => rest.push(word),
            }
        }
        if rest.is_empty() { Err("it names no header".to_owned()) } else { Ok((only, rest)) }
    }

    const fn is_for_some(&self) -> bool {
        !(self.statuses.is_empty() && self.types.is_empty())
    }
}

fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| format!("{} is not a status between 200 and 599", shown(text)))
}

/// Whether a directive says something of headers, and may stand in a condition.
pub(super) fn is_of_headers(directive: &Directive) -> bool {
    const NAMES: &[&str] = &[
        "add_header",
        "grpc_set_header",
        "more_clear_headers",
        "more_clear_input_headers",
        "more_set_headers",
        "more_set_input_headers",
        "proxy_set_header",
    ];
    directive.block.is_none() && NAMES.contains(&directive.name.as_str())
}

/// Whether the client has sent a header.
fn is_sent(name: &HeaderName) -> Result<Condition, String> {
    let variable = VariableText::parse(&format!("$http_{}", name.lower_case().replace('-', "_"))).map_err(|bad| bad.0)?;
    let expression = TextRegex::new("^.").map_err(|bad| bad.0)?;
    Ok(Condition { variable, test: Test::Matches { expression, ignoring_case: false }, negated: false })
}

impl Meaning {
    /// Headers of requests and answers; `None`: it is something else.
    pub(super) fn header_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        if given.is_empty() {
            return None;
        }
        Some(match (name, given) {
            ("add_header", [name, value]) => self.answer_header(name, value, &Only::ADDED),
            ("add_header", [name, value, "always"]) => self.answer_header(name, value, &Only { always: true, ..Only::ADDED }),
            ("more_set_headers", words) => Only::read(words).and_then(|(only, lines)| {
                lines.iter().try_for_each(|line| header_line(line).and_then(|(name, value)| self.answer_header(name, value, &only)))
            }),
            ("proxy_pass_header", [name]) => self.passed_header(name),
            ("more_clear_headers", words) => {
                Only::read(words).and_then(|(only, names)| names.iter().try_for_each(|name| self.cleared(name, &only)))
            }
            ("proxy_hide_header" | "grpc_hide_header", names) => {
                names.iter().try_for_each(|name| header_name(name).map(|name| self.extra.hidden_headers.push(name)))
            }
            ("proxy_set_header" | "grpc_set_header", [name, value]) => self.request_header(name, value, false),
            ("more_set_input_headers", ["-r", lines @ ..]) => self.input_headers(lines, true),
            ("more_set_input_headers", lines) => self.input_headers(lines, false),
            ("more_clear_input_headers", names) => names.iter().try_for_each(|name| self.request_header(name, "", false)),
            _ => return None,
        })
    }

    /// A header that is not passed on, or all whose names begin so.
    fn cleared(&mut self, name: &str, only: &Only) -> Done {
        /// Without one of these an answer would be another one.
        const NEEDED: &[&str] = &["connection", "content-", "date", "server", "transfer-encoding"];
        let Some(beginning) = name.strip_suffix('*') else {
            if only.is_for_some() {
                return self.answer_header(name, "", only);
            }
            self.extra.hidden_headers.push(header_name(name)?);
            return Ok(());
        };
        if only.is_for_some() {
            return Err(format!("{} is no name of one header, which a status or type asks for", shown(name)));
        }
        let beginning = HeaderName::new(beginning).map_err(|bad| bad.0)?;
        let lower = beginning.lower_case();
        if NEEDED.iter().any(|own| own.starts_with(&*lower) || lower.starts_with(own)) {
            return Err(format!("{} is for headers, too, that belong to every answer", shown(name)));
        }
        self.extra.hidden_beginnings.push(beginning);
        Ok(())
    }

    /// Those that speak to the proxy itself stay its own.
    fn passed_header(&mut self, name: &str) -> Done {
        let name = header_name(name)?;
        if name.lower_case().starts_with("x-accel-") {
            return Err(format!("the header {name} is for the proxy alone"));
        }
        self.extra.passed_headers.push(name);
        Ok(())
    }

    /// `replaces`: only where the client has sent it.
    fn input_headers(&mut self, lines: &[&str], replaces: bool) -> Done {
        lines.iter().try_for_each(|line| header_line(line).and_then(|(name, value)| self.request_header(name, value, replaces)))
    }

    fn request_header(&mut self, name: &str, value: &str, replaces: bool) -> Done {
        if upgrades(name, value) {
            return Ok(());
        }
        if name.eq_ignore_ascii_case("connection") && !CONNECTIONS.iter().any(|own| value.eq_ignore_ascii_case(own)) {
            let others = "it would name headers that are not passed on";
            return Err(format!("{} is neither close, keep-alive, upgrade nor $connection_upgrade; {others}", shown(value)));
        }
        let name = header_name(name)?;
        for (text, ways) in self.choices_of(value)? {
            let value = self.header_text(&text)?;
            for mut when in ways {
                when.extend(if replaces { Some(is_sent(&name)?) } else { None });
                self.extra.request_headers.push(RequestHeader { name: name.clone(), value: value.clone(), when });
            }
        }
        self.has_few_headers()
    }

    fn answer_header(&mut self, name: &str, value: &str, only: &Only) -> Done {
        let Only { always, replaces, .. } = *only;
        let name = header_name(name)?;
        if name.is_the_proxys() {
            self.own_headers.push(name);
            return Ok(());
        }
        for (text, ways) in self.choices_of(value)? {
            let value = self.header_text(&text)?;
            if !replaces && answered::is_cookie(&name, &value) {
                return if always {
                    Err("the annotation auth-always-set-cookie says whether the cookie of the service is sent always".to_owned())
                } else {
                    Ok(())
                };
            }
            // What is empty is not added.
            if text.is_empty() && !replaces && ways.iter().any(|when| !when.is_empty()) {
                continue;
            }
            let header = |when| {
                let (statuses, types) = (only.statuses.clone(), only.types.clone());
                AnswerHeader { name: name.clone(), value: value.clone(), always, replaces, when, statuses, types }
            };
            self.extra.answer_headers.extend(ways.into_iter().map(header));
        }
        self.has_few_headers()
    }

    /// Headers of requests for which a condition holds; `ways`: all of one of these.
    pub(super) fn headers_under(&mut self, ways: Vec<Vec<Condition>>, block: &[Directive]) -> Done {
        let (variables, answered, chosen) = (self.variables.clone(), self.answered.clone(), self.chosen.clone());
        let mut inside = Self { variables, answered, chosen, ..Self::default() };
        for directive in block {
            let words: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            let read = match (directive.name.as_str(), words.as_slice()) {
                ("expires", [age]) => super::answers::expires(age).map(|age| inside.extra.expires = Some(age)),
                (name, words) => inside.header_directive(name, words).unwrap_or_else(|| Err(super::others::unknown(name))),
            };
            read.and_then(|()| inside.has_no_own_headers()).map_err(|why| directive.wrong(&why))?;
        }
        let mut extra = inside.extra;
        if let Some(beginning) = extra.hidden_beginnings.first() {
            return Err(format!("{beginning}* stands for more than one header, which is not accepted in a condition"));
        }
        let dropped = extra.hidden_headers.into_iter().map(|name| AnswerHeader {
            name,
            value: VariableText::default(),
            always: true,
            replaces: true,
            when: Vec::new(),
            statuses: Vec::new(),
            types: Vec::new(),
        });
        extra.answer_headers.extend(dropped);
        let (expires, answers, requests) = (extra.expires, extra.answer_headers, extra.request_headers);
        self.blocks.push(HeaderBlock { ways, answers, requests, expires });
        Ok(())
    }

    /// Under a condition nothing is left out.
    fn has_no_own_headers(&self) -> Done {
        self.own_headers.first().map_or(Ok(()), |name| Err(format!("the header {name} is the proxy's own")))
    }

    /// Headers of one answer; `None`: there is something else among them.
    pub(super) fn headers_inside(&self, directives: &[Directive]) -> Result<Option<Vec<AnswerHeader>>, String> {
        let mut inside = Self { variables: self.variables.clone(), answered: self.answered.clone(), ..Self::default() };
        for directive in directives {
            let Directive { name, arguments, block, .. } = directive;
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let is_header = block.is_none() && ["add_header", "more_set_headers"].contains(&name.as_str());
            // People say of a preflight that it has no body, which is so anyway.
            if is_header && matches!(words.as_slice(), [name, "0", ..] if name.eq_ignore_ascii_case("content-length")) {
                continue;
            }
            match inside.header_directive(name, &words).filter(|_| is_header) {
                Some(done) => done.and_then(|()| inside.has_no_own_headers()).map_err(|why| directive.wrong(&why))?,
                None => return Ok(None),
            }
        }
        let headers = inside.extra.answer_headers;
        if headers.iter().any(|header| !header.types.is_empty()) {
            return Err("what is answered here has one type; remove -t".to_owned());
        }
        let headers = headers.into_iter();
        let known = |header: AnswerHeader| Ok(AnswerHeader { value: answered::without_answers(header.value)?, ..header });
        headers.map(known).collect::<Result<_, String>>().map(Some)
    }
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    HeaderName::settable(text).map_err(|bad| bad.0)
}

/// What endpoints may be told of a connection beside what the client wishes; nothing is one of them.
const CONNECTIONS: &[&str] = &["close", "keep-alive", "upgrade", "$connection_upgrade", ""];

/// Whether endpoints are told to speak another protocol as the client wishes, which they are in any case.
fn upgrades(name: &str, value: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "upgrade" => value == "$http_upgrade",
        "connection" => ["$connection_upgrade", "$http_connection"].contains(&value) || value.eq_ignore_ascii_case("upgrade"),
        _ => false,
    }
}

/// `Name: value`; without a value the header is dropped.
fn header_line(line: &str) -> Result<(&str, &str), String> {
    if line.starts_with('-') {
        return Err(format!("the option {} is not accepted", shown(line)));
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    Ok((name.trim(), value.trim()))
}
