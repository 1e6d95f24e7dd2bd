//! Readers of values that only some keys have.

use crate::model::{CpuAffinity, ErrorLevel, MediaType, TicketKey};
use crate::names::{HeaderName, ObjectName, TextPattern, TextRegex, VariableText, shown};
use crate::settings::RiskLevel;
use crate::settings::values::{Mistake, bytes_within, flag, items, location_rewrite, number};
use base64::Engine;
use std::net::IpAddr;

const VARIABLES: &str = "use variables of stock nginx, such as $remote_addr and $status";

pub(super) fn not(text: &str) -> Result<bool, Mistake> {
    flag(text).map(|on| !on)
}

pub(super) fn texts(text: &str) -> Result<Vec<String>, Mistake> {
    Ok(items(text).map(str::to_owned).collect())
}

pub(super) fn header_name(item: &str) -> Result<HeaderName, Mistake> {
    HeaderName::new(item).map_err(|error| Mistake::new(error.0, "use names such as X-Frame-Options"))
}

pub(super) fn lower_case_name(item: &str) -> Result<String, Mistake> {
    header_name(item).map(|name| name.lower_case())
}

/// What requests are compared with, as one word of an nginx map, for that is what people have written: what would end a word
/// stands in quotes. Maps take the first expression that matches; it is the same answer for all, so they may be sorted.
pub(super) fn pattern(item: &str) -> Result<TextPattern, Mistake> {
    const QUOTES: [char; 2] = ['"', '\''];
    let within = |quote: char| item.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
    let quoted = QUOTES.iter().find_map(|quote| within(*quote));
    if quoted.is_none() && item.contains([';', '"']) {
        return Err(Mistake::new(format!("{} has a character that ends a word", shown(item)), "put the entry in quotes, such as \"a; b\""));
    }
    let parsed = TextPattern::parse(quoted.unwrap_or(item));
    parsed.map_err(|error| Mistake::new(error.0, "use a text, ~ and an expression, or ~* and one without case"))
}

pub(super) fn regex_if_any(text: &str) -> Result<Option<TextRegex>, Mistake> {
    match text {
        "" => Ok(None),
        _ => TextRegex::new(text).map(Some).map_err(|error| Mistake::new(error.0, "use an expression such as MSIE [1-6]\\.")),
    }
}

/// A format, and what is said of variables that it has and no line can have; `may_stand`: those that one can.
pub(super) fn log_format(text: &str, may_stand: fn(&str) -> bool) -> Result<(Option<VariableText>, Option<Mistake>), Mistake> {
    match text.trim() {
        "" => Ok((None, None)),
        // Whoever writes this means an expression, and would find it in every line as it is.
        foreign if foreign.contains("%[") => {
            Err(Mistake::new(format!("{} has %[, which begins an expression of HAProxy", shown(foreign)), VARIABLES))
        }
        // A format in a YAML block has a line break at its end, and may have some inside.
        trimmed => {
            let read = VariableText::parse_with_dashes(&trimmed.replace(['\n', '\r'], ""), may_stand);
            let (format, unknown) = read.map_err(|error| Mistake::new(error.0, VARIABLES))?;
            Ok((Some(format), unknown_variables(&unknown)))
        }
    }
}

fn unknown_variables(names: &[String]) -> Option<Mistake> {
    const NAMED: usize = 5;
    let named: Vec<String> = names.iter().take(NAMED).map(|name| shown(&format!("${name}"))).collect();
    let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    let message = match names {
        [] => return None,
        [_] => format!("{} is not a variable that can be used here, and - stands in its place", named.concat()),
        _ => format!("{}{more} are not variables that can be used here, and - stands in their place", named.join(", ")),
    };
    Some(Mistake::new(message, VARIABLES))
}

pub(super) fn media_type(text: &str) -> Result<MediaType, Mistake> {
    MediaType::new(text.trim()).ok_or_else(|| Mistake::new(format!("{} is not a media type", shown(text)), "use one such as text/html"))
}

/// Separated by blanks; `*` is every type.
pub(super) fn media_types(text: &str) -> Result<Vec<MediaType>, Mistake> {
    if text.trim() == "*" {
        return Ok(Vec::new());
    }
    let mut all = text.split_ascii_whitespace().map(media_type).collect::<Result<Vec<_>, _>>()?;
    all.sort_unstable();
    all.dedup();
    if all.is_empty() { Err(Mistake::new("there are no types", "name types such as text/css, or all of them by *")) } else { Ok(all) }
}

pub(super) fn gzip_level(text: &str) -> Result<u64, Mistake> {
    let level = number(text)?;
    if (1..=9).contains(&level) {
        Ok(level)
    } else {
        Err(Mistake::new(format!("{} is not a level", shown(text)), "use a number from 1 to 9"))
    }
}

pub(super) fn error_status(text: &str) -> Result<u16, Mistake> {
    let status = number(text).ok().and_then(|n| u16::try_from(n).ok()).filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| Mistake::new(format!("{} is not the status of an error", shown(text)), "use a number from 400 to 599"))
}

/// A size of something that is held for a request, as annotations have it.
pub(super) fn memory(text: &str) -> Result<u64, Mistake> {
    bytes_within(text, 1..=1 << 30, "use a size of at most 1g, such as 8k")
}

pub(super) fn memory_if_any(text: &str) -> Result<Option<u64>, Mistake> {
    if text.is_empty() { Ok(None) } else { memory(text).map(Some) }
}

pub(super) fn number_if_any(text: &str) -> Result<Option<u64>, Mistake> {
    Ok(Some(number(text)?).filter(|&number| number > 0))
}

pub(super) fn cpu_affinity(text: &str) -> Result<CpuAffinity, Mistake> {
    let masks: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    let good = masks.iter().all(|mask| mask.len() <= 1024 && mask.bytes().all(|b| b == b'0' || b == b'1'));
    match text.trim() {
        "" => Ok(CpuAffinity::Any),
        "auto" => Ok(CpuAffinity::Spread),
        _ if good && masks.len() <= 1024 => Ok(CpuAffinity::Masks(masks)),
        _ => Err(Mistake::new(format!("{} is neither auto nor a list of masks", shown(text)), "use auto, or masks such as 01 10")),
    }
}

pub(super) fn error_level(text: &str) -> Result<ErrorLevel, Mistake> {
    Ok(match text {
        "debug" => ErrorLevel::Debug,
        "info" => ErrorLevel::Info,
        "notice" => ErrorLevel::Notice,
        "warn" => ErrorLevel::Warn,
        "error" => ErrorLevel::Error,
        "crit" => ErrorLevel::Crit,
        "alert" => ErrorLevel::Alert,
        "emerg" => ErrorLevel::Emerg,
        _ => {
            return Err(Mistake::new(
                format!("{} is not a level", shown(text)),
                "use debug, info, notice, warn, error, crit, alert or emerg",
            ));
        }
    })
}

/// An address: a name that does not resolve would keep the proxy from loading anything.
pub(super) fn syslog_host(text: &str) -> Result<Option<IpAddr>, Mistake> {
    let address = text.trim_matches(['[', ']']);
    match address {
        "" => Ok(None),
        _ => address
            .parse()
            .map(Some)
            .map_err(|_| Mistake::new(format!("{} is not an IP address", shown(text)), "use the address of the syslog server")),
    }
}

pub(super) fn port(text: &str) -> Result<u16, Mistake> {
    let port = number(text).ok().and_then(|n| u16::try_from(n).ok()).filter(|&port| port > 0);
    port.ok_or_else(|| Mistake::new(format!("{} is not a port", shown(text)), "use a number from 1 to 65535"))
}

pub(super) fn is_http_1_0(text: &str) -> Result<bool, Mistake> {
    match text.trim() {
        "1.0" => Ok(true),
        "1.1" => Ok(false),
        _ => Err(Mistake::new(format!("{} is not a version that endpoints are spoken to in", shown(text)), "use 1.0 or 1.1")),
    }
}

pub(super) fn redirect_part(text: &str) -> Result<String, Mistake> {
    location_rewrite(text, text).map(|_| text.to_owned())
}

pub(super) fn object_if_any(text: &str) -> Result<Option<ObjectName>, Mistake> {
    match text.trim() {
        "" => Ok(None),
        text => ObjectName::parse(text)
            .map(Some)
            .map_err(|_| Mistake::new(format!("{} is not of the form namespace/name", shown(text)), "name an object such as shop/headers")),
    }
}

/// The message shows nothing of the key.
pub(super) fn ticket_key(text: &str) -> Result<Option<TicketKey>, Mistake> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok();
    let key = bytes.and_then(|bytes| TicketKey::new(&bytes));
    key.map(Some).ok_or_else(|| Mistake::new("the value is not the base64 of 48 or 80 bytes", "make one with openssl rand -base64 80"))
}

pub(super) fn risk_level(text: &str) -> Result<RiskLevel, Mistake> {
    Ok(match text.trim() {
        "Low" => RiskLevel::Low,
        "Medium" => RiskLevel::Medium,
        "" | "High" => RiskLevel::High,
        "Critical" => RiskLevel::Critical,
        _ => return Err(Mistake::new(format!("{} is not a level", shown(text)), "use Low, Medium, High or Critical")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::variable::{is_stream_variable, is_variable};

    #[test]
    fn formats_have_known_variables_and_no_expressions_of_another_proxy() {
        let (format, unknown) = log_format("$status %x", is_variable).unwrap();
        assert!(format.is_some() && unknown.is_none() && log_format(" ", is_variable) == Ok((None, None)));
        assert!(
            log_format("%[env(HOME)] $remote_addr", is_variable).is_err_and(|mistake| mistake.message.contains("expression of HAProxy"))
        );
        let unknown = |text| log_format(text, is_stream_variable).unwrap().1.is_some();
        assert!(!unknown("$protocol\n") && unknown("$request"));
    }
}
