//! The proxies that everything is tested with: the oldest and the newest of each kind, and for what everybody needs one
//! between them.

use std::path::PathBuf;

/// A proxy of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// What `--proxy` takes.
    pub kind: &'static str,
    /// The environment variable that names the program; `e2e/tools/setup env` prints them.
    pub variable: &'static str,
    /// Where the program is if the variable is not set.
    fallback: Option<&'static str>,
}

impl Proxy {
    /// The nginx of Debian 12.
    pub const NGINX_1_22: Self = Self { kind: "nginx", variable: "GATEWRIGHT_NGINX_1_22", fallback: Some("/usr/sbin/nginx") };
    /// One between, from its source: the first long-lived one with `server … resolve`.
    pub const NGINX_1_28: Self = Self { kind: "nginx", variable: "GATEWRIGHT_NGINX_1_28", fallback: None };
    /// The newest nginx.
    pub const NGINX_1_30: Self = Self { kind: "nginx", variable: "GATEWRIGHT_NGINX_1_30", fallback: None };
    /// The HAProxy of Debian 12.
    pub const HAPROXY_2_6: Self = Self { kind: "haproxy", variable: "GATEWRIGHT_HAPROXY_2_6", fallback: Some("/usr/sbin/haproxy") };
    /// The HAProxy of Debian 13.
    pub const HAPROXY_3_0: Self = Self { kind: "haproxy", variable: "GATEWRIGHT_HAPROXY_3_0", fallback: None };
    /// The newest HAProxy.
    pub const HAPROXY_3_2: Self = Self { kind: "haproxy", variable: "GATEWRIGHT_HAPROXY_3_2", fallback: None };

    /// The program.
    ///
    /// # Panics
    /// When nobody says where it is.
    #[must_use]
    pub fn program(self) -> PathBuf {
        let given = std::env::var_os(self.variable).map(PathBuf::from);
        let program = given.or_else(|| self.fallback.map(PathBuf::from));
        program.unwrap_or_else(|| panic!("{} is not set; run `eval \"$(e2e/tools/setup env)\"`", self.variable))
    }

    /// The nginx of Debian 12 lacks things that later ones have.
    #[must_use]
    pub fn is_oldest(self) -> bool {
        self == Self::NGINX_1_22
    }

    /// Whether it is an nginx.
    #[must_use]
    pub fn is_nginx(self) -> bool {
        self.kind == "nginx"
    }
}

/// Tests that run once for the oldest and once for the newest proxy of each kind: `fn name(proxy) { … }`.
#[macro_export]
macro_rules! on_every_proxy {
    ($($tests:tt)*) => {
        $crate::on_proxies! {
            [nginx_1_22 = NGINX_1_22, nginx_1_30 = NGINX_1_30, haproxy_2_6 = HAPROXY_2_6, haproxy_3_2 = HAPROXY_3_2]
            $($tests)*
        }
    };
}

/// Tests that run once for the newest proxy of each kind.
#[macro_export]
macro_rules! on_each_kind {
    ($($tests:tt)*) => {
        $crate::on_proxies! { [nginx = NGINX_1_30, haproxy = HAPROXY_3_2] $($tests)* }
    };
}

/// Tests of what everybody needs, which run once for each version there is.
#[macro_export]
macro_rules! on_every_version {
    ($($tests:tt)*) => {
        $crate::on_proxies! {
            [nginx_1_22 = NGINX_1_22, nginx_1_28 = NGINX_1_28, nginx_1_30 = NGINX_1_30,
             haproxy_2_6 = HAPROXY_2_6, haproxy_3_0 = HAPROXY_3_0, haproxy_3_2 = HAPROXY_3_2]
            $($tests)*
        }
    };
}

/// Tests that run once for each proxy of a list.
#[macro_export]
macro_rules! on_proxies {
    (@each [$($test:ident = $proxy:ident),*]) => {$(
        #[test]
        fn $test() {
            $crate::net::on_a_thread_of_its_own(|| check($crate::proxies::Proxy::$proxy));
        }
    )*};
    ($list:tt $($(#[$doc:meta])* fn $name:ident($proxy:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "a test needs some of them")]
            use super::*;

            fn check($proxy: $crate::proxies::Proxy) $body

            $crate::on_proxies! { @each $list }
        }
    )*};
}
