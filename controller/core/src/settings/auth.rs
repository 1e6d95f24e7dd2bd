//! How the values of external authentication are read, in annotations and in the ConfigMap.

use super::values::{Mistake, items};
use crate::model::{CacheTime, SignIn, Statuses};
use crate::names::{HeaderName, ServiceUrl, VariableText, shown, url_text_with_answers, variable};

/// Durations of answers when nobody says others.
pub(crate) const USUAL_TIMES: &str = "200 202 401 5m";

/// The URL of the service.
pub(crate) fn service_url(text: &str) -> Result<ServiceUrl, Mistake> {
    ServiceUrl::parse(text).map_err(|bad| Mistake::new(bad.0, "use a URL such as http://auth.example/verify"))
}

/// The URL of the page to sign in, and the parameter with the URL to come back to.
pub(crate) fn sign_in(text: &str, parameter: &str) -> Result<SignIn, Mistake> {
    sign_in_with_answers(text, parameter, |_| None)
}

/// The same; `answered`: names of further variables, and the headers of the service which they stand for.
pub(crate) fn sign_in_with_answers(text: &str, parameter: &str, answered: impl Fn(&str) -> Option<HeaderName>) -> Result<SignIn, Mistake> {
    const HELP: &str = "use a URL such as https://auth.example/start";
    let absolute = ["http://", "https://", "$scheme://", "$pass_access_scheme://"].iter().any(|start| text.starts_with(start));
    let path = text.starts_with('/') && !text.starts_with("//");
    if !absolute && !path {
        return Err(Mistake::new(format!("{} is not a URL that clients can be sent to", shown(text)), HELP));
    }
    let url = url_text_with_answers(text, answered).map_err(|bad| Mistake::new(bad.0, HELP))?;
    Ok(SignIn { url, joint: joint(text, parameter) })
}

fn joint(url: &str, parameter: &str) -> Option<String> {
    let Some((_, query)) = url.split_once('?') else { return Some(format!("?{parameter}=")) };
    if query.split('&').any(|pair| pair.split('=').next() == Some(parameter)) {
        return None;
    }
    let separator = if query.is_empty() || query.ends_with('&') { "" } else { "&" };
    Some(format!("{separator}{parameter}="))
}

/// The name of that parameter.
pub(crate) fn parameter(text: &str) -> Result<String, Mistake> {
    let good = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if good {
        Ok(text.to_owned())
    } else {
        Err(Mistake::new(format!("{} is not the name of a parameter", shown(text)), "use letters, digits and -._~"))
    }
}

/// Headers of the answer that go to the endpoint.
pub(crate) fn response_headers(text: &str) -> Result<Vec<HeaderName>, Mistake> {
    let mut names: Vec<HeaderName> = Vec::new();
    for item in items(text) {
        let name = header(item)?;
        if !names.iter().any(|known| known.lower_case() == name.lower_case()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// A header that may be sent to another server: none that is about the connection or the length of the message.
pub(crate) fn header(text: &str) -> Result<HeaderName, Mistake> {
    const OF_CONNECTIONS: &[&str] = &["connection", "expect", "keep-alive", "proxy-connection", "upgrade"];
    let name = HeaderName::settable(text).map_err(|bad| Mistake::new(bad.0, "use names such as X-User"))?;
    if OF_CONNECTIONS.contains(&name.lower_case().as_str()) {
        return Err(Mistake::new(format!("the header {} is about a connection", shown(text)), "leave it out"));
    }
    Ok(name)
}

/// What the service is told as the target to come back to.
pub(crate) fn redirect_target(text: &str) -> Result<String, Mistake> {
    let good = text.len() <= 2000 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/:,?&=".contains(&b));
    if good {
        Ok(text.to_owned())
    } else {
        Err(Mistake::new(format!("{} is not a URL without variables", shown(text)), "use letters, digits and -._~/:,?&="))
    }
}

/// What answers are kept by.
pub(crate) fn cache_key(text: &str) -> Result<VariableText, Mistake> {
    const HELP: &str = "use letters, digits, - and _, and variables such as $http_authorization";
    if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_${}".contains(*c))) {
        return Err(Mistake::new(format!("{} has the character {}", shown(text), shown(c.encode_utf8(&mut [0; 4]))), HELP));
    }
    VariableText::parse_with(text, variable::is_variable).map_err(|bad| Mistake::new(bad.0, HELP))
}

/// Status codes and how long such answers are kept: `200 202 10m, 401 5s, any 1s`.
pub(crate) fn cache_times(text: &str) -> Result<Vec<CacheTime>, Mistake> {
    items(text).map(|item| cache_time(item).ok_or_else(|| bad_time(item))).collect()
}

fn bad_time(item: &str) -> Mistake {
    Mistake::new(format!("{} is not a list of status codes and a time", shown(item)), "use items such as 200 202 10m, separated by commas")
}

fn cache_time(item: &str) -> Option<CacheTime> {
    let mut words: Vec<_> = item.split_ascii_whitespace().collect();
    let seconds = duration_s(words.pop()?)?;
    if words.contains(&"any") {
        return Some(CacheTime { statuses: Statuses::Any, seconds });
    }
    let status = |word: &&str| word.parse().ok().filter(|status| word.len() == 3 && (100..=599).contains(status));
    Some(CacheTime { statuses: Statuses::These(words.iter().map(status).collect::<Option<_>>()?), seconds })
}

/// A number and a unit, in seconds; a part of a second counts as one.
fn duration_s(word: &str) -> Option<u64> {
    const LONGEST_S: u64 = 10 * 366 * 86_400;
    let digits = word.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
    let number: u64 = word[..digits].parse().ok()?;
    let seconds = match &word[digits..] {
        "ms" => number.div_ceil(1000),
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        "d" => number.checked_mul(86_400)?,
        "w" => number.checked_mul(7 * 86_400)?,
        "M" => number.checked_mul(30 * 86_400)?,
        "y" => number.checked_mul(365 * 86_400)?,
        _ => return None,
    };
    (seconds <= LONGEST_S).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_to_come_back_to_is_joined_by_what_fits() {
        let joint = |url, parameter| sign_in(url, parameter).unwrap().joint;
        assert_eq!(joint("http://a.test/start", "rd").as_deref(), Some("?rd="));
        assert_eq!(joint("/start?a=b", "orig").as_deref(), Some("&orig="));
        assert_eq!(joint("https://a.test/start?", "rd").as_deref(), Some("rd="));
        assert_eq!(joint("https://a.test/start?x=1&rd=$escaped_request_uri", "rd"), None);
        assert_eq!(joint("$scheme://$host/start?rdx=1", "rd").as_deref(), Some("&rd="));
        for bad in ["start", "//evil.test/", "javascript:alert", "https://a.test/?rd=$uri", "https://a.test/ ; return 418; #", "\\evil"] {
            assert!(sign_in(bad, "rd").is_err(), "{bad}");
        }
    }

    #[test]
    fn times_belong_to_statuses() {
        let these = |statuses: &[u16], seconds| CacheTime { statuses: Statuses::These(statuses.to_vec()), seconds };
        assert_eq!(cache_times("200 202 401 5m").unwrap(), [these(&[200, 202, 401], 300)]);
        assert_eq!(
            cache_times("200 1s, any 1M, 30m,301 1500ms").unwrap(),
            [these(&[200], 1), CacheTime { statuses: Statuses::Any, seconds: 2_592_000 }, these(&[], 1800), these(&[301], 2)]
        );
        for bad in ["bogus", "200", "5m 200", "200 5", "200 5m 10m", "20 5m", "700 5m", "200 99y", "200 5m; x", "2000 1s"] {
            assert!(cache_times(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_not_copied() {
        assert_eq!(response_headers("X-User, Authorization,x-user").unwrap().len(), 2);
        for bad in ["Transfer-Encoding", "X-A,Content-Length", "connection", "a b", "X-A;"] {
            assert!(response_headers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_of_the_cache_have_variables_that_exist() {
        assert!(cache_key("$remote_user$http_authorization").is_ok() && cache_key("fixed").is_ok());
        for bad in ["$remote_user; return 418", "$nosuch", "a b", "$"] {
            assert!(cache_key(bad).is_err() || bad == "$", "{bad}");
        }
    }
}
