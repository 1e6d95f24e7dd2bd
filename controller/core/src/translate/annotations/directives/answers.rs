//! Answers before anybody is asked, other paths, and the conditions of both.

use super::Meaning;
use super::reader::Directive;
use super::searches::Search;
use crate::model::{AnswerHeader, Condition, EarlyAnswer, Expires, Extra, PathRewrite, Query, SourceRanges, Test};
use crate::names::variable::{SUBDOMAIN, is_url_variable};
use crate::names::{TextPart, TextRegex, VariableText, shown};
use crate::settings::values;
use ipnet::IpNet;

type Done = Result<(), String>;

/// Statuses of redirects.
const REDIRECTS: &[u16] = &[301, 302, 303, 307, 308];

/// Statuses of answers without a body; the text of one is read and not sent.
const BODILESS: &[u16] = &[204, 205, 304];

/// Statuses that headers are sent with unless they are for all.
const SUCCESS: &[u16] = &[200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

/// Whether the status is one that headers are sent with which are not for all.
pub(super) fn is_success(status: u16) -> bool {
    SUCCESS.contains(&status)
}

/// `return`.
pub(super) fn read(meaning: &mut Meaning, when: Option<Condition>, given: &[&str]) -> Done {
    let (status, text) = match given {
        [one] if begins_url(one) => ("302", *one),
        [status] => (*status, ""),
        [status, text] => (*status, *text),
        _ => return Err("it takes a status, and a text or URL".to_owned()),
    };
    let status = status.parse().ok().filter(|status| (200..=599).contains(status));
    let status: u16 = status.ok_or("the status is not between 200 and 599")?;
    let text = match when.as_ref().and_then(Condition::matched) {
        Some(expression) => with_groups_of(expression, meaning.text_in_lines(text, Meaning::text_with_groups)?)?,
        None => meaning.text_in_lines(text, Meaning::text)?,
    };
    if text.has_groups() && text.has_breaks() {
        return Err("what groups of an expression have matched stands in one line".to_owned());
    }
    let text = if BODILESS.contains(&status) { VariableText::default() } else { text };
    if REDIRECTS.contains(&status) {
        if text.parts().is_empty() {
            return Err("a redirect needs a URL or path to lead to".to_owned());
        }
        only_url_variables(&text)?;
        if text.has_breaks() {
            return Err("a URL has one line".to_owned());
        }
        if let Some(when) = when.as_ref().filter(|_| text.has_groups()) {
            stays_one_line(when)?;
        }
    }
    push(meaning, EarlyAnswer { when, text, ..unconditional(status) })
}

impl Meaning {
    /// What stands in for a protection that cannot be read: nobody is let in.
    pub(in crate::translate) fn closing() -> Self {
        Self { extra: Extra { answers: vec![unconditional(503)], ..Extra::default() }, ..Self::default() }
    }
}

/// The page of a status.
fn unconditional(status: u16) -> EarlyAnswer {
    EarlyAnswer {
        when: None,
        also: Vec::new(),
        path: None,
        status,
        text: VariableText::default(),
        query: Query::Dropped,
        headers: Vec::new(),
        expires: None,
        unlogged: false,
    }
}

/// `return` where all of several conditions hold, with headers of its own.
pub(super) fn where_all_hold(meaning: &mut Meaning, when: &[Condition], given: &[&str], headers: Vec<AnswerHeader>) -> Done {
    let Some((first, also)) = when.split_first() else { return read(meaning, None, given) };
    let count = meaning.extra.answers.len();
    with_headers(meaning, first.clone(), given, headers)?;
    if let Some(answer) = meaning.extra.answers.get_mut(count) {
        answer.also = also.to_vec();
    }
    Ok(())
}

/// `return` with headers of its own.
pub(super) fn with_headers(meaning: &mut Meaning, when: Condition, given: &[&str], headers: Vec<AnswerHeader>) -> Done {
    let count = meaning.extra.answers.len();
    read(meaning, Some(when), given)?;
    if let Some(answer) = meaning.extra.answers.get_mut(count) {
        let status = answer.status;
        let has_status = |header: &AnswerHeader| header.statuses.is_empty() || header.statuses.contains(&status);
        let is_sent = |header: &AnswerHeader| has_status(header) && (header.always || is_success(status));
        answer.headers = headers.into_iter().filter(is_sent).collect();
    }
    Ok(())
}

/// `limit_except`: of other methods those are refused who may not ask. That is not asked before all answers are given.
pub(super) fn except(methods: &[&str], sources: Option<&SourceRanges>) -> Result<Vec<EarlyAnswer>, String> {
    let is_method = |method: &&str| !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    if methods.is_empty() || !methods.iter().all(is_method) {
        return Err("it takes methods in capitals, such as GET and POST".to_owned());
    }
    // Who may ask for something may ask for its head.
    let head = if methods.contains(&"GET") { "|HEAD" } else { "" };
    let expression = TextRegex::new(&format!("^(?:{}{head})$", methods.join("|"))).map_err(|bad| bad.0)?;
    let variable = VariableText::parse("$request_method").map_err(|bad| bad.0)?;
    let when = Condition { variable, test: Test::Matches { expression, ignoring_case: false }, negated: true };
    refused(&when, sources)
}

/// Where something holds, those are refused who may not ask.
fn refused(when: &Condition, sources: Option<&SourceRanges>) -> Result<Vec<EarlyAnswer>, String> {
    let address = VariableText::parse("$remote_addr").map_err(|bad| bad.0)?;
    let refused = |ranges: &Vec<IpNet>, negated: bool| {
        let is_everybody = !negated && SourceRanges::everybody().iter().all(|all| ranges.contains(all));
        let within = Condition { variable: address.clone(), test: Test::Within(ranges.clone()), negated };
        EarlyAnswer { when: Some(when.clone()), also: if is_everybody { Vec::new() } else { vec![within] }, ..unconditional(403) }
    };
    let sides = sources.into_iter().flat_map(|sources| [(&sources.denied, false), (&sources.allowed, true)]);
    Ok(sides.filter(|(ranges, _)| !ranges.is_empty()).map(|(ranges, negated)| refused(ranges, negated)).collect())
}

/// For some paths, 403 for those who may not ask.
pub(super) fn refused_in_location(meaning: &mut Meaning, when: &Condition, sources: &SourceRanges) -> Done {
    refused(when, Some(sources))?.into_iter().try_for_each(|answer| push(meaning, answer))
}

/// `return` for some paths. What is taken out of a decoded path stands encoded in a redirect by its expression, which has neither
/// headers nor an age of its own.
pub(super) fn in_location(
    meaning: &mut Meaning,
    when: Condition,
    given: &[&str],
    (headers, expires): (Vec<AnswerHeader>, Option<Expires>),
) -> Done {
    let first = meaning.extra.answers.len();
    push_in_location(meaning, when, given, headers, expires.is_some())?;
    for answer in meaning.extra.answers.iter_mut().skip(first) {
        answer.expires = expires.filter(|_| is_success(answer.status));
    }
    Ok(())
}

fn push_in_location(meaning: &mut Meaning, when: Condition, given: &[&str], headers: Vec<AnswerHeader>, has_age: bool) -> Done {
    let redirect = match given {
        [status @ ("301" | "302"), to] => Some((if *status == "301" { 301 } else { 302 }, *to)),
        [to] if begins_url(to) => Some((302, *to)),
        _ => None,
    };
    let (Some((status, to)), Test::Matches { expression, ignoring_case: false }) = (redirect, &when.test) else {
        return with_headers(meaning, when, given, headers);
    };
    let text = with_groups_of(expression, meaning.text_with_groups(to)?)?;
    if !text.has_groups() || !headers.is_empty() || has_age {
        return with_headers(meaning, when, given, headers);
    }
    only_url_variables(&text)?;
    let path = Some(expression.clone());
    push(
        meaning,
        EarlyAnswer {
            when: None,
            also: Vec::new(),
            path,
            status,
            text,
            query: Query::Dropped,
            headers: Vec::new(),
            expires: None,
            unlogged: false,
        },
    )
}

/// A text whose groups are all in the expression.
fn with_groups_of(expression: &TextRegex, text: VariableText) -> Result<VariableText, String> {
    let beyond = |part: &TextPart| matches!(part, TextPart::Group(number) if usize::from(*number) > expression.groups());
    if text.parts().iter().any(beyond) {
        Err(format!("{} has fewer groups than it is asked for", shown(expression.as_str())))
    } else {
        Ok(text)
    }
}

/// What is taken out of a decoded path may be several lines, which would be further headers of the answer.
fn stays_one_line(when: &Condition) -> Done {
    let is_as_sent = |name: &str| is_url_variable(name) || ["arg_", "cookie_", "http_"].iter().any(|begin| name.starts_with(begin));
    match when.variable.parts() {
        [TextPart::Variable(name)] if is_as_sent(name) => Ok(()),
        _ => Err("what this variable holds cannot stand in a URL; use $request_uri".to_owned()),
    }
}

/// `rewrite`: a redirect, or another path for the endpoints. With `last`, or without a flag, nginx looks for the route again.
pub(super) fn rewrite(meaning: &mut Meaning, when: Option<Condition>, given: &[&str]) -> Done {
    let (path, target, flag) = match given {
        // Whatever else is said, nginx redirects to a URL.
        [path, target] | [path, target, "last" | "break"] if begins_url(target) => (path, target, "redirect"),
        [path, target, flag @ ("break" | "last" | "permanent" | "redirect")] => (path, target, *flag),
        [path, target] => (path, target, "last"),
        _ => return Err("it takes an expression, a target and a flag".to_owned()),
    };
    let path = TextRegex::new(path).map_err(|bad| bad.0)?;
    let (target, query) = match (target.strip_suffix('?'), target.contains('?')) {
        (Some(target), _) => (target, Query::Dropped),
        (None, true) => (*target, Query::Appended),
        (None, false) => (*target, Query::Kept),
    };
    let target = with_groups_of(&path, meaning.text_with_groups(target)?)?;
    only_url_variables(&target)?;
    match flag {
        "break" | "last" => {
            let rewrite = other_path(meaning, when, path, given[1])?;
            meaning.searches.extend((flag == "last").then(|| Search::of(&rewrite)));
            meaning.extra.rewrites.push(rewrite);
            Ok(())
        }
        flag => {
            let status = if flag == "permanent" { 301 } else { 302 };
            if target.parts().is_empty() {
                return Err("a redirect needs a URL or path to lead to".to_owned());
            }
            push(
                meaning,
                EarlyAnswer {
                    when,
                    also: Vec::new(),
                    path: Some(path),
                    status,
                    text: target,
                    query,
                    headers: Vec::new(),
                    expires: None,
                    unlogged: false,
                },
            )
        }
    }
}

/// Another path with its query; the whole of its target has been read.
fn other_path(meaning: &Meaning, when: Option<Condition>, path: TextRegex, target: &str) -> Result<PathRewrite, String> {
    let (target, query) = target.split_once('?').map_or((target, None), |(target, query)| (target, Some(query)));
    let keeps_query = query.is_none_or(|query| !query.is_empty() && !query.ends_with('?'));
    let query = query.map(|query| query.strip_suffix('?').unwrap_or(query)).unwrap_or_default();
    let (target, query) = (meaning.text_with_groups(target)?, meaning.text_with_groups(query)?);
    if !matches!(target.parts().first(), Some(TextPart::Text(text)) if text.starts_with('/') && !text.starts_with("//")) {
        return Err("the target does not begin with one '/'".to_owned());
    }
    // A sign that a variable stands for is one of the path, which proxies would take for the beginning of a query.
    if target.parts().iter().any(|part| matches!(part, TextPart::Text(text) if text.contains('?'))) {
        return Err("a variable cannot stand for the beginning of a query".to_owned());
    }
    Ok(PathRewrite { when, path, target, query, keeps_query })
}

/// Nothing is answered behind an answer that is always given. Answers come before paths are other ones, so none may stand behind
/// a directive that would end the search for it; where the route is looked for again, it is found again.
fn push(meaning: &mut Meaning, answer: EarlyAnswer) -> Done {
    if meaning.extra.rewrites.len() > meaning.searches.len() {
        return Err("it stands behind a rewrite with break; write it in front".to_owned());
    }
    if answer.path.as_ref().is_some_and(|path| meaning.searches.iter().any(|search| search.shares_paths_with(path))) {
        return Err("it stands behind a rewrite that may be for the same paths; write it in front".to_owned());
    }
    let answers = &mut meaning.extra.answers;
    if !answers.last().is_some_and(|answer| answer.when.is_none() && answer.path.is_none()) {
        answers.push(answer);
    }
    Ok(())
}

pub(super) fn begins_url(text: &str) -> bool {
    ["http://", "https://", "$scheme"].iter().any(|begin| text.starts_with(begin))
}

fn only_url_variables(text: &VariableText) -> Done {
    let strange = text.parts().iter().any(|part| matches!(part, TextPart::Variable(name) if name != SUBDOMAIN && !is_url_variable(name)));
    if strange {
        Err("a variable cannot stand in a URL unless it says what was asked for, as $host, $scheme and $request_uri do".to_owned())
    } else {
        Ok(())
    }
}

/// `expires`.
pub(super) fn expires(text: &str) -> Result<Expires, String> {
    let longest = 10 * values::YEAR_S;
    let seconds =
        |text: &str| values::seconds_up_to(text, longest).map_err(|mistake| mistake.message).map(|n| i64::try_from(n).unwrap_or(0));
    Ok(match text {
        "off" => Expires::Off,
        "epoch" => Expires::Epoch,
        "max" => Expires::Max,
        _ => match text.strip_prefix('-') {
            Some(past) => Expires::After(-seconds(past)?),
            None => Expires::After(seconds(text)?),
        },
    })
}

/// The same of a directive in a block.
pub(super) fn age_of(directive: &Directive) -> Result<Expires, String> {
    let [age] = &directive.arguments[..] else { return Err(directive.wrong("it takes one time; write one such as 1h")) };
    expires(age).map_err(|why| directive.wrong(&why))
}

const NO_CONDITION: &str = "the condition is not ($variable), with =, !=, ~, ~*, !~ or !~* and a text";

/// What stands between the brackets of a condition.
pub(super) fn condition_words<'w>(words: &[&'w str]) -> Result<Vec<&'w str>, String> {
    let mut words: Vec<&str> = words.to_vec();
    let first = words.first_mut().ok_or(NO_CONDITION)?;
    *first = first.strip_prefix('(').ok_or(NO_CONDITION)?;
    let last = words.last_mut().ok_or(NO_CONDITION)?;
    *last = last.strip_suffix(')').ok_or(NO_CONDITION)?;
    words.retain(|word| !word.is_empty());
    Ok(words)
}

/// `$variable`, or the variable, a comparison and what it is compared with.
pub(super) fn condition(meaning: &Meaning, words: &[&str]) -> Result<Condition, String> {
    let wrong = || NO_CONDITION.to_owned();
    let variable = match *words.first().ok_or_else(wrong)? {
        // Only its end is the request's, and where files would be looked for is nobody's.
        "$request_filename" => meaning.text("$uri")?,
        variable => meaning.text(variable)?,
    };
    if !matches!(variable.parts(), [TextPart::Variable(_)]) {
        return Err(wrong());
    }
    if variable.uses(&[SUBDOMAIN]) {
        return Err("$subdomain is known to texts only; compare $host with an expression".to_owned());
    }
    let expression = |text: &str| TextRegex::new(text).map_err(|bad| bad.0);
    let matches = |text: &str, ignoring_case| Ok::<_, String>(Test::Matches { expression: expression(text)?, ignoring_case });
    let (test, negated) = match &words[1..] {
        [] => (matches("^(?:0.|[^0])", false)?, false),
        ["=" | "!="] => (matches("^.", false)?, words[1] == "="),
        [comparison @ ("=" | "!="), text] => {
            let text = meaning.text(text)?.literal().ok_or("it is compared with a variable")?.to_owned();
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
