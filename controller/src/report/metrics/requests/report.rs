//! What the proxy tells of one request: a syslog line whose text is a JSON array.

use super::RouteLabels;
use serde::Deserialize;
use std::borrow::Cow;

/// The tag that the proxy puts before its text.
const TAG: &[u8] = b"gatewright: ";

/// One request. The fields are in the order of the proxy's log format.
#[derive(Debug, Deserialize)]
pub(super) struct Report<'a> {
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) ingress: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    canary: Cow<'a, str>,
    /// The host as the Ingress writes it.
    #[serde(borrow)]
    pub(super) pattern: Cow<'a, str>,
    /// The host as the client writes it.
    #[serde(borrow)]
    pub(super) host: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) request_time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) request_length: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) bytes_sent: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) connect_time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) header_time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) response_time: Cow<'a, str>,
}

impl<'a> Report<'a> {
    /// `None`: it is not one of ours. Whatever follows is for others.
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        let at = datagram.windows(TAG.len()).position(|window| window == TAG)?;
        Self::deserialize(&mut serde_json::Deserializer::from_slice(&datagram[at + TAG.len()..])).ok()
    }

    pub(super) fn route(&self) -> RouteLabels<'_> {
        RouteLabels {
            host: &self.pattern,
            namespace: &self.namespace,
            ingress: &self.ingress,
            service: &self.service,
            path: &self.path,
            canary: &self.canary,
        }
    }
}

/// A number that can be counted with: as it is, or `ms 1+2` for a sum of milliseconds, in seconds. Of a request that was
/// tried several times the proxy may write a list, which is none.
pub(super) fn number(text: &str) -> Option<f64> {
    const MS_PER_S: f64 = 1000.0;
    match text.strip_prefix("ms ") {
        Some(times) => times.split('+').map(plain_number).sum::<Option<f64>>().map(|ms| ms / MS_PER_S),
        None => plain_number(text),
    }
}

fn plain_number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_words_are_read_as_they_were() {
        let line =
            r#"<190>Nov  8 01:02:03 gatewright: ["200","GET","/a\"b\\c","n","i","s","","*.x.test","a.x.test","0.1","1","2","","",""]"#;
        let report = Report::read(line.as_bytes()).unwrap();
        assert_eq!((report.route().path, report.route().host, &*report.host), ("/a\"b\\c", "*.x.test", "a.x.test"));
    }

    #[test]
    fn times_in_milliseconds_are_summed_up_unless_one_is_not_known() {
        let read = ["ms 3", "ms 3+20+1977", "ms 0+-1", "ms -1+-1+-1", "ms ", "3+4"].map(number);
        assert_eq!(read, [Some(0.003), Some(2.0), None, None, None, None]);
    }

    #[test]
    fn what_follows_a_report_is_not_read() {
        let line = r#"<134>1 - - gatewright: ["200","GET","\/x","n","i","s","","a.test","a.test","ms 1","1","2","","",""] 10.0.0.1 - x"#;
        assert_eq!(Report::read(line.as_bytes()).unwrap().route().path, "/x");
    }

    #[test]
    fn lists_and_words_are_no_numbers() {
        let read = ["0.020", "7", "", "-", "0.1, 0.2", "0.1 : 0.2", "inf", "1e3", "-1"].map(number);
        assert_eq!(read, [Some(0.020), Some(7.0), None, None, None, None, None, None, None]);
    }
}
