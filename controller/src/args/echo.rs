//! The command line of `gatewright echo`.

use gatewright_core::names::shown;
use std::net::SocketAddr;

/// `echo`.
#[derive(Debug, clap::Args)]
pub(super) struct Echo {
    /// Where to listen, and what to call the backend [default name: the address]
    #[arg(required = true, value_name = "[NAME=]ADDRESS:PORT")]
    backends: Vec<String>,
}

/// `gatewright echo`.
#[derive(Debug)]
pub(crate) struct EchoConfig {
    /// Never empty.
    pub(crate) backends: Vec<EchoBackend>,
}

/// One backend of `gatewright echo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EchoBackend {
    /// What it calls itself.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Echo {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) -> EchoConfig {
        let mut backends = Vec::new();
        for text in &self.backends {
            match backend(text) {
                Some(backend) => backends.push(backend),
                None => mistakes.push(format!("{} is not a place to listen; use one such as shop=127.0.0.1:9001", shown(text))),
            }
        }
        EchoConfig { backends }
    }
}

fn backend(text: &str) -> Option<EchoBackend> {
    let (name, address) = text.rsplit_once('=').unwrap_or((text, text));
    Some(EchoBackend { name: name.to_owned(), address: address.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(backends: &[&str]) -> (Vec<EchoBackend>, Vec<String>) {
        let mut mistakes = Vec::new();
        let echo = Echo { backends: backends.iter().map(ToString::to_string).collect() };
        (echo.check(&mut mistakes).backends, mistakes)
    }

    #[test]
    fn names_and_addresses_are_read_and_all_mistakes_told() {
        let backend = |name: &str, address: &str| EchoBackend { name: name.to_owned(), address: address.parse().unwrap() };
        let wanted = vec![backend("shop", "127.0.0.1:9001"), backend("[::1]:9002", "[::1]:9002")];
        assert_eq!(check(&["shop=127.0.0.1:9001", "[::1]:9002"]), (wanted, Vec::new()));
        let (_, mistakes) = check(&["shop=localhost", "9001"]);
        assert_eq!(mistakes.len(), 2);
        assert_eq!(mistakes[0], r#""shop=localhost" is not a place to listen; use one such as shop=127.0.0.1:9001"#);
    }
}
