//! What is asked, out of the arguments of a message.
//!
//! The argument `ask` is a form (`name=value&…`, percent-encoded) that says where and how; it is written by the
//! configuration. The others are what the client has sent: `head`, `method`, `scheme`, `host`, `target`, `body`.
//!
//! | field | meaning |
//! |---|---|
//! | `to` | addresses of the service, separated by commas |
//! | `tls` | its name, where it is asked over TLS |
//! | `method`, `host`, `target` | of the request |
//! | `set.NAME` | a header in place of the client's, of those before it and of `host`; empty: it is left out |
//! | `about` | the service is told which request it is about: `1`, or what it is told to come back to |
//! | `keep` | headers of the answer that become the variables `h0`, `h1`…; separated by commas |
//! | `body` | the body becomes the variable `body`, up to so many bytes |
//! | `flat` | line breaks of the body become blanks, for a proxy that cannot say them |
//! | `pool` | idle connections, requests of each, and seconds that one may be idle |
//! | `cache`, `times` | the answer may be kept under this name: `200+401:300,any:5` |
//! | `limit` | seconds for each address that is asked |
//! | `connect` | seconds of them for its connection |
//! | `later` | a copy of the request: nobody waits for the answer, and what comes is dropped |
//! | `carry` | the argument `body` goes along. Where its length is not told, head and body have to be shorter than so many bytes, for the rest may be missing |

use crate::connection::Arguments;
use crate::frames::Value;
use crate::http::{Answer, Request};
use crate::pool::{KeepAlive, Service};
use crate::{Agent, broken};
use percent_encoding::percent_decode_str;
use std::io;
use std::time::Duration;

/// No question is given longer than this at one address.
const LONGEST: Duration = Duration::from_secs(1200);
/// So many cookies are passed on.
const MAX_COOKIES: usize = 4;

/// Headers of clients that are about their connection or their body.
const OF_CONNECTIONS: &[&str] =
    &["connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// A question.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    pub(crate) service: Service,
    pub(crate) request: Request,
    kept: Vec<String>,
    flat: bool,
    cache: Option<Caching>,
    pub(crate) later: bool,
    /// A part of the body is missing, so there is nothing to be asked.
    pub(crate) cut: bool,
}

/// How an answer may be kept.
#[derive(Debug, Default)]
struct Caching {
    name: String,
    /// Statuses (none: every one) and seconds; the first that fits counts.
    times: Vec<(Vec<u16>, u64)>,
}

/// Fields of the form that mean something together with the request of the client only.
#[derive(Debug, Default)]
struct Form {
    about: Option<String>,
    sets: Vec<(String, String)>,
    cache: Option<String>,
    times: Vec<(Vec<u16>, u64)>,
    carry: Option<usize>,
}

impl Ask {
    /// Reads the arguments of a message.
    ///
    /// # Errors
    /// When they do not say whom to ask.
    pub(crate) fn read(arguments: &Arguments) -> io::Result<Self> {
        let text = |name: &str| match arguments.get(name) {
            Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let (mut ask, Form { about, mut sets, cache, times, carry }) = Self::of_form(&text("ask"));
        if ask.service.addresses.is_empty() || ask.request.host.is_empty() || ask.request.target.is_empty() {
            return Err(broken("it says nobody to ask"));
        }
        let (method, target) = (text("method"), text("target"));
        if let Some(about) = about {
            let url = format!("{}://{}{target}", text("scheme"), text("host"));
            let back = if about == "1" { target } else { about };
            let told = [("X-Original-URL", url), ("X-Original-Method", method), ("X-Auth-Request-Redirect", back)];
            let is_set = |name: &str| sets.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
            let told: Vec<_> = told.into_iter().filter(|(name, _)| !is_set(name)).collect();
            sets.extend(told.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let head = text("head");
        let given: Vec<(&str, &str)> = head.split("\r\n").filter_map(|line| line.split_once(':')).map(|(n, v)| (n, v.trim())).collect();
        let value = |name: &str| given.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value);
        let values = |name: &str| given.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect();
        // Nobody passes with the answer to another one's credentials, whatever the name is: all lines of them count, as the
        // service is told all.
        let credentials: [Vec<&str>; 2] = ["authorization", "cookie"].map(values);
        let name = |name| format!("{name}\n{credentials:?}");
        ask.cache = cache.map(|cache| Caching { name: name(cache), times });
        let body = if let Some(Value::Text(body)) = arguments.get("body") { body.as_slice() } else { &[] };
        if let Some(most) = carry
            && (has_length(&given) || !body.is_empty())
        {
            let told = value("content-length").parse::<usize>().ok();
            ask.cut = told.map_or(head.len() + body.len() > most, |told| told != body.len());
            ask.request.payload = Some(body.to_vec());
        }
        ask.request.headers = headers(&given, sets);
        Ok(ask)
    }

    /// Of several headers with one name the last counts.
    fn set(&mut self, sets: &mut Vec<(String, String)>, name: Option<String>, value: String) {
        let Some(name) = name else { return };
        if name.eq_ignore_ascii_case("host") {
            self.request.host = value;
            return;
        }
        sets.retain(|(set, _)| !set.eq_ignore_ascii_case(&name));
        sets.push((name, value));
    }

    /// What the configuration says, and what of it is about the request of the client.
    fn of_form(form: &str) -> (Self, Form) {
        let mut ask = Self::default();
        let mut rest = Form::default();
        for (name, value) in form.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decoded(value);
            match name {
                "to" => ask.service.addresses = value.split(',').filter_map(|address| address.parse().ok()).collect(),
                "tls" => ask.service.tls = Some(value),
                "method" => ask.request.method = value,
                "host" => ask.request.host = value,
                "target" => ask.request.target = value,
                "about" => rest.about = Some(value),
                "keep" => ask.kept = value.split(',').map(str::to_owned).collect(),
                "body" => ask.request.body_bytes = value.parse().unwrap_or(0),
                "flat" => ask.flat = true,
                "pool" => ask.service.keep = keep(&value),
                "cache" => rest.cache = Some(value),
                "times" => rest.times = value.split(',').filter_map(time).collect(),
                "later" => ask.later = true,
                "carry" => rest.carry = value.parse().ok(),
                "limit" => ask.service.limit = seconds(&value),
                "connect" => ask.service.connect = seconds(&value),
                _ => ask.set(&mut rest.sets, name.strip_prefix("set.").map(decoded), value),
            }
        }
        (ask, rest)
    }
}

/// At least one of them, and not too many.
fn seconds(text: &str) -> Option<Duration> {
    Some(Duration::from_secs(text.parse().ok()?).clamp(Duration::from_secs(1), LONGEST))
}

fn has_length(given: &[(&str, &str)]) -> bool {
    given.iter().any(|(name, _)| ["content-length", "transfer-encoding"].iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// Those of the client without what is replaced, and what stands in its place.
fn headers(given: &[(&str, &str)], sets: Vec<(String, String)>) -> Vec<(String, String)> {
    let replaced = |name: &str| sets.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
    let of_connection = |name: &str| OF_CONNECTIONS.iter().any(|other| other.eq_ignore_ascii_case(name));
    let kept = given.iter().filter(|(name, _)| !of_connection(name) && !replaced(name));
    let mut all: Vec<_> = kept.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.extend(sets.into_iter().filter(|(_, value)| !value.is_empty()));
    all
}

fn keep(text: &str) -> Option<KeepAlive> {
    let mut numbers = text.split(',').map(|number| number.parse::<u64>().ok());
    let (connections, requests, idle) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (connections > 0 && requests > 1 && idle > 0).then(|| KeepAlive {
        connections: usize::try_from(connections).unwrap_or(usize::MAX).min(1024),
        requests,
        idle: Duration::from_secs(idle.min(3600)),
    })
}

fn time(item: &str) -> Option<(Vec<u16>, u64)> {
    let (statuses, seconds) = item.split_once(':')?;
    let statuses = if statuses == "any" { Vec::new() } else { statuses.split('+').map(|s| s.parse().ok()).collect::<Option<_>>()? };
    Some((statuses, seconds.parse().ok()?))
}

/// Percent-decoded; a plus sign is itself.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Agent {
    /// Asks; the variables to be set, none where there is no answer.
    pub(crate) async fn ask(&self, ask: &Ask) -> Vec<(String, Value)> {
        if let Some(answer) = ask.cache.as_ref().and_then(|caching| self.cache.get(&caching.name)) {
            return ask.variables(&answer);
        }
        let Some(_guard) = self.in_flight.take(&ask.service.addresses, self.places.available_permits()) else {
            tracing::debug!(host = ask.request.host, "too many questions wait for a service");
            return Vec::new();
        };
        match self.pool.ask(&ask.service, &ask.request).await {
            Ok(answer) => {
                if let Some(caching) = &ask.cache {
                    let fits = |(statuses, _): &&(Vec<u16>, u64)| statuses.is_empty() || statuses.contains(&answer.status);
                    let seconds = caching.times.iter().find(fits).map_or(0, |(_, seconds)| *seconds);
                    self.cache.keep(&caching.name, &answer, Duration::from_secs(seconds));
                }
                ask.variables(&answer)
            }
            Err(error) => {
                tracing::debug!(%error, host = ask.request.host, "a service gives no answer");
                Vec::new()
            }
        }
    }
}

impl Ask {
    fn variables(&self, answer: &Answer) -> Vec<(String, Value)> {
        let text = |text: &str| Value::Text(text.as_bytes().to_vec());
        let mut all = vec![("status".to_owned(), Value::Number(u64::from(answer.status)))];
        all.extend(answer.values("WWW-Authenticate").first().map(|value| ("challenge".to_owned(), text(value))));
        let cookies = answer.values("Set-Cookie");
        all.extend(cookies.iter().take(MAX_COOKIES).enumerate().map(|(n, cookie)| (format!("c{n}"), text(cookie))));
        for (n, name) in self.kept.iter().enumerate() {
            let values = answer.values(name);
            if !values.is_empty() {
                all.push((format!("h{n}"), text(&values.join(", "))));
            }
        }
        if self.request.body_bytes > 0 {
            let body = if self.flat { flat(&answer.body) } else { answer.body.clone() };
            all.push(("body".to_owned(), Value::Text(body)));
        }
        all
    }
}

/// On one line.
fn flat(body: &[u8]) -> Vec<u8> {
    let kept = body.iter().filter(|&&byte| byte == b'\n' || byte == b'\t' || !byte.is_ascii_control());
    kept.map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(ask: &str) -> Arguments {
        let head = "host: h.test\r\nx-mine: 1\r\nX-User: eve\r\nContent-Length: 4\r\nCookie: a=b\r\n\r\n";
        let texts = [("ask", ask), ("head", head), ("method", "POST"), ("scheme", "http"), ("host", "h.test"), ("target", "/a?b")];
        texts.into_iter().map(|(name, value)| (name.to_owned(), Value::Text(value.as_bytes().to_vec()))).collect()
    }

    #[test]
    fn a_question_says_whom_and_what() {
        let form = "to=10.0.0.1:80,[fd00::1]:81&host=auth.test&method=GET&target=%2Fv%3Fa%2Bb&set.x-user=&set.X-A=1%262&about=1&keep=X-B,X-C\
                    &cache=n&times=200+401:300,any:5&pool=1,2,3&limit=45&connect=7";
        let ask = Ask::read(&arguments(form)).unwrap();
        assert_eq!((ask.service.addresses.len(), ask.request.target.as_str()), (2, "/v?a+b"));
        assert_eq!([ask.service.limit, ask.service.connect], [45, 7].map(|seconds| Some(Duration::from_secs(seconds))));
        assert_eq!(["0", "99999", "x"].map(|text| seconds(text).map(|time| time.as_secs())), [Some(1), Some(1200), None]);
        let headers: Vec<_> = ask.request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let told = ["X-Original-URL: http://h.test/a?b", "X-Original-Method: POST", "X-Auth-Request-Redirect: /a?b"];
        assert_eq!(headers[..3], ["x-mine: 1", "Cookie: a=b", "X-A: 1&2"]);
        assert_eq!(headers[3..], told);
        let cache = ask.cache.unwrap();
        assert_eq!((cache.name.as_str(), cache.times), ("n\n[[], [\"a=b\"]]", vec![(vec![200, 401], 300), (vec![], 5)]));
        assert!(ask.service.keep.is_some() && keep("0,2,3").is_none() && keep("1,1,3").is_none());
    }

    #[test]
    fn an_answer_is_kept_for_all_credentials_together() {
        let name = |head: &str| {
            let mut all = arguments("to=10.0.0.1:80&host=a&target=/&cache=n");
            all.insert("head".to_owned(), Value::Text(format!("{head}\r\n\r\n").into_bytes()));
            Ask::read(&all).unwrap().cache.unwrap().name
        };
        let names = ["Cookie: a", "Cookie: a\r\ncookie: b", "Cookie: a\r\nCookie: c", "Authorization: a", "Authorization: a\r\nCookie: b"];
        let names: std::collections::BTreeSet<_> = names.map(name).into();
        assert_eq!(names.len(), 5, "{names:?}");
    }

    #[test]
    fn what_is_set_last_counts() {
        let form = "to=10.0.0.1:80&host=auth.test&target=/&set.X-Sent-From=us&set.X-A=1&set.host=own.test&set.x-sent-from=them&set.x-a=\
                    &set.X-Original-Method=none&about=1";
        let request = Ask::read(&arguments(form)).unwrap().request;
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).skip(3).collect();
        let told = ["x-sent-from: them", "X-Original-Method: none", "X-Original-URL: http://h.test/a?b", "X-Auth-Request-Redirect: /a?b"];
        assert_eq!((request.host.as_str(), headers), ("own.test", told.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_copy_has_the_whole_body_or_is_none() {
        let ask = |body: &str, form: &str, told: &str| {
            let mut all = arguments(&format!("to=10.0.0.1:80&host=a&target=/&later=1&{form}"));
            all.insert("head".to_owned(), Value::Text(format!("{told}\r\n\r\n").into_bytes()));
            all.insert("body".to_owned(), Value::Text(body.as_bytes().to_vec()));
            let ask = Ask::read(&all).unwrap();
            assert!(ask.later);
            (ask.request.payload.map(|body| String::from_utf8(body).unwrap()), ask.cut)
        };
        let whole = |body: &str, cut| (Some(body.to_owned()), cut);
        assert_eq!(ask("abcd", "carry=9", "Content-Length: 4"), whole("abcd", false));
        assert_eq!(ask("abc", "carry=9", "content-length: 4"), whole("abc", true));
        assert_eq!(ask("", "carry=9", "content-length: 0"), whole("", false));
        assert_eq!(ask("abcd", "carry=99", "Transfer-Encoding: chunked"), whole("abcd", false));
        assert_eq!(ask("abcd", "carry=30", "Transfer-Encoding: chunked"), whole("abcd", true));
        assert_eq!((ask("", "carry=9", "A: b"), ask("abcd", "x=", "Content-Length: 4")), ((None, false), (None, false)));
    }

    #[test]
    fn a_flat_body_has_one_line() {
        assert_eq!(flat("a\r\n\tb\u{1}ü\n".as_bytes()), "a \tbü ".as_bytes());
    }

    #[test]
    fn a_question_to_nobody_is_refused() {
        for form in ["", "to=x&host=a&target=/", "to=10.0.0.1:80&host=a", "to=10.0.0.1:80&target=/"] {
            assert!(Ask::read(&arguments(form)).is_err(), "{form}");
        }
    }
}
