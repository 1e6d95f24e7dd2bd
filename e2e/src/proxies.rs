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

    /// Every one, by the name that benches are told it by; the oldest of a kind first.
    pub const BY_NAME: [(&'static str, Self); 6] = [
        ("nginx-1.22", Self::NGINX_1_22),
        ("nginx-1.28", Self::NGINX_1_28),
        ("nginx-1.30", Self::NGINX_1_30),
        ("haproxy-2.6", Self::HAPROXY_2_6),
        ("haproxy-3.0", Self::HAPROXY_3_0),
        ("haproxy-3.2", Self::HAPROXY_3_2),
    ];

    /// Those that arguments of a bench name; where none is named, those that it measures by default.
    #[must_use]
    pub fn named(arguments: &[String], default: &[Self]) -> Vec<(&'static str, Self)> {
        let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
        let any_is_named = Self::BY_NAME.iter().any(|(name, _)| is_named(name));
        let is_wanted = |(name, proxy): &(&str, Self)| if any_is_named { is_named(name) } else { default.contains(proxy) };
        Self::BY_NAME.into_iter().filter(is_wanted).collect()
    }

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

    /// Whether it can forward TCP: the newest nginx comes without its stream module.
    #[must_use]
    pub fn forwards_tcp(self) -> bool {
        self != Self::NGINX_1_30
    }

    /// Whether it closes idle connections at a reload though a request may be on its way to them: nginx before 1.27.4 has no
    /// `keepalive_min_timeout`.
    #[must_use]
    pub fn cuts_idle_connections(self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str], default: &[Proxy]) -> Vec<&'static str> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Proxy::named(&arguments, default).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_bench_measures_what_it_is_told_or_its_default() {
        let default = [Proxy::HAPROXY_3_2, Proxy::NGINX_1_22];
        assert_eq!(names(&["--bench", "1000"], &default), ["nginx-1.22", "haproxy-3.2"]);
        assert_eq!(names(&["haproxy-3.0", "1000", "nginx-1.28"], &default), ["nginx-1.28", "haproxy-3.0"]);
    }

    #[test]
    fn names_are_those_of_the_variables() {
        for (name, proxy) in Proxy::BY_NAME {
            let variable = name.to_uppercase().replace(['-', '.'], "_");
            assert_eq!(proxy.variable, format!("GATEWRIGHT_{variable}"));
            assert!(name.starts_with(proxy.kind));
        }
    }
}
