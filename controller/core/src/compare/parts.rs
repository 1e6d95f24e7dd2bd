//! The parts of the model, with their names for people, and the annotations and keys of the main ConfigMap that set each.
//!
//! Where a part differs and none of these does, the difference comes from an object or a setting behind the manifests; it
//! is then reported by the name of the part. The lists are complete: a field of the model that stands in none of them does not compile.

use crate::model::{
    Alias, BackendPolicy, ClientAuth, ClientCertificates, ExternalAuth, FastCgi, Globals, HostPolicy, Listeners, RoutePolicy, Tls,
    UpstreamTls, Verify,
};
use crate::names::HostAlias;
use std::borrow::Borrow;

/// A part that is another one on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// For people.
    pub(super) name: &'static str,
    /// Beginnings of the names that tell of it; ends, where they begin with `-`.
    told_by: &'static [&'static str],
}

impl Part {
    pub(super) const fn new(name: &'static str, told_by: &'static [&'static str]) -> Self {
        Self { name, told_by }
    }

    /// Whether another value of this name tells of it.
    pub(super) fn is_told_by(&self, name: &str) -> bool {
        self.told_by.iter().any(|known| if known.starts_with('-') { name.ends_with(known) } else { name.starts_with(known) })
    }
}

/// Defines the comparison of a struct, field by field; fields behind `inside` are compared by functions of their own.
macro_rules! parts {
    (
        $(#[$doc:meta])* $vis:vis fn $name:ident($of:ident) {
            $($field:ident: $words:literal $([$($told:literal),*])?,)*
        } $(inside { $($inner:ident: $compare:expr,)* })?
    ) => {
        $(#[$doc])*
        $vis fn $name(old: &$of, new: &$of, out: &mut Vec<Part>) {
            // Without `..`, so that no field is forgotten.
            let $of { $($field: _,)* $($($inner: _,)*)? } = old;
            $(if old.$field != new.$field {
                out.push(Part::new($words, &[$($($told),*)?]));
            })*
            $($($compare(&old.$inner, &new.$inner, out);)*)?
        }
    };
}

parts! {
    /// Of the requests of a route.
    pub(super) fn of_route(RoutePolicy) {
        redirect: "redirect" ["permanent-redirect", "temporal-redirect", "from-to-www-redirect", "-snippet"],
        rewrite: "rewriting of paths" ["rewrite-target", "use-regex", "x-forwarded-prefix", "-snippet"],
        timeouts: "timeouts of endpoints" ["proxy-connect-timeout", "proxy-read-timeout", "proxy-send-timeout", "-snippet"],
        basic_auth: "passwords" ["auth-type", "auth-secret", "auth-realm", "no-auth-locations"],
        satisfy: "joining of protections" ["satisfy", "-snippet"],
        limits: "limits of clients" ["limit-", "-snippet"],
        bandwidth: "speed of answers" ["limit-rate", "-snippet"],
        buffering: "buffers" ["proxy-body-", "proxy-buffer", "proxy-busy-", "proxy-request-", "proxy-max-", "client-body-", "-snippet"],
        cookie_domain: "domains of cookies" ["proxy-cookie-domain", "-snippet"],
        cookie_path: "paths of cookies" ["proxy-cookie-path", "-snippet"],
        cors: "CORS" ["cors-", "enable-cors"],
        errors: "error pages" ["custom-http-errors", "default-backend", "disable-proxy-intercept-errors"],
        extra: "snippets" ["-snippet"],
        mirror: "mirror" ["mirror-"],
        logging: "logs" ["enable-access-log", "enable-rewrite-log", "-snippet"],
        response_headers: "headers of answers" ["custom-headers"],
        sources: "addresses of clients" ["whitelist-source-range", "allowlist-source-range", "denylist-source-range", "-snippet"],
        stands_in: "default backend" ["default-backend"],
        upstream_host: "Host for endpoints" ["upstream-vhost", "-snippet"],
        retries: "further tries" ["proxy-next-upstream", "-snippet"],
        http_1_0: "version of HTTP to endpoints" ["proxy-http-version"],
        connection: "Connection for endpoints" ["connection-proxy-header"],
        location_rewrite: "rewriting of Location" ["proxy-redirect-", "-snippet"],
        port_in_redirects: "ports in redirects" ["use-port-in-redirects"],
        relative_redirects: "relative redirects" ["relative-redirects"],
        session_cookie: "session cookie" ["session-cookie-", "affinity"],
    } inside {
        external_auth: option_of(
            "external authentication",
            &["auth-", "enable-global-auth", "global-auth-", "no-auth-locations"],
            external_auth
        ),
        fastcgi: option_of("FastCGI", &["fastcgi-"], fastcgi),
    }
}

parts! {
    fn external_auth(ExternalAuth) {
        url: "URL of external authentication" ["auth-url", "global-auth-url"],
        method: "method of external authentication" ["auth-method", "global-auth-method"],
        sign_in: "sign-in" ["auth-signin", "global-auth-signin"],
        response_headers: "headers from external authentication" ["auth-response-headers", "global-auth-response-headers"],
        request_headers: "headers for external authentication" ["auth-proxy-set-headers", "auth-snippet", "global-auth-snippet"],
        redirect_target: "redirect of external authentication" ["auth-request-redirect", "global-auth-request-redirect"],
        cache: "cache of external authentication" ["auth-cache-", "global-auth-cache-"],
        always_set_cookie: "cookies of external authentication" ["auth-always-set-cookie", "global-auth-always-set-cookie"],
        keepalive: "connections to external authentication" ["auth-keepalive"],
    }
}

parts! {
    fn fastcgi(FastCgi) {
        index: "script of FastCGI" ["fastcgi-index"],
        parameters: "parameters of FastCGI" ["fastcgi-params-configmap"],
    }
}

parts! {
    /// Of a host as a whole.
    pub(super) fn of_host(HostPolicy) {
        app_root: "redirect of /" ["app-root"],
        tls: "ciphers" ["ssl-ciphers", "ssl-prefer-server-ciphers"],
    } inside {
        aliases: aliases,
        client_auth: option_of("client certificates", &["auth-tls-"], client_auth),
    }
}

/// Names that come and go are told by their routes.
fn aliases(old: &Option<Vec<Alias>>, new: &Option<Vec<Alias>>, out: &mut Vec<Part>) {
    let [old, new] = [old, new].map(|all| all.as_deref().unwrap_or_default());
    let is_known = |alias: &&Alias, others: &[Alias]| match alias.name {
        HostAlias::Regex(_) => others.contains(alias),
        _ => others.contains(alias) || others.iter().all(|other| other.name != alias.name),
    };
    if !(old.iter().all(|alias| is_known(&alias, new)) && new.iter().all(|alias| is_known(&alias, old))) {
        out.push(Part::new("further names", &["server-alias", "from-to-www-redirect"]));
    }
}

fn client_auth(old: &ClientAuth, new: &ClientAuth, out: &mut Vec<Part>) {
    match (old, new) {
        (ClientAuth::Checked(old), ClientAuth::Checked(new)) => client_certificates(old, new, out),
        _ if old != new => out.push(Part::new("client certificates", &["auth-tls-"])),
        _ => {}
    }
}

parts! {
    fn client_certificates(ClientCertificates) {
        authority: "authority of client certificates" ["auth-tls-secret"],
        has_revocations: "revoked client certificates" ["auth-tls-secret"],
        verify: "client certificates" ["auth-tls-verify-client"],
        depth: "depth of client certificates" ["auth-tls-verify-depth"],
        error_page: "error page of client certificates" ["auth-tls-error-page"],
        pass_certificate: "client certificates for endpoints" ["auth-tls-pass-"],
        subject: "subjects of client certificates" ["auth-tls-match-cn"],
    }
}

parts! {
    /// Of how a backend is talked to.
    pub(super) fn of_backend(BackendPolicy) {
        balance: "balancing" ["load-balance"],
        keepalive: "idle connections to endpoints" ["upstream-keepalive"],
        hash: "hashing" ["upstream-hash-by"],
        affinity: "sticky sessions" ["affinity", "session-cookie-"],
        protocol: "protocol of endpoints" ["backend-protocol", "grpc-backend", "secure-backends"],
        service_address: "address of the Service as endpoint" ["service-upstream"],
    } inside {
        tls: option_of("TLS to endpoints", &["proxy-ssl-", "backend-protocol"], upstream_tls),
    }
}

parts! {
    fn upstream_tls(UpstreamTls) {
        identity: "certificate for endpoints" ["proxy-ssl-secret"],
        name: "name of endpoints" ["proxy-ssl-name", "upstream-vhost"],
        tells_name: "name told to endpoints" ["proxy-ssl-server-name"],
        ciphers: "ciphers to endpoints" ["proxy-ssl-ciphers"],
        versions: "TLS versions to endpoints" ["proxy-ssl-protocols"],
    } inside {
        verify: option_of("check of endpoints", &["proxy-ssl-verify", "proxy-ssl-secret"], verify),
    }
}

parts! {
    fn verify(Verify) {
        authority: "authority of endpoints" ["proxy-ssl-secret"],
        depth: "depth of certificates of endpoints" ["proxy-ssl-verify-depth"],
    }
}

parts! {
    /// Of the proxy as a whole. Few names tell of them: what the main ConfigMap alone would change is known, but for what is in
    /// the objects that it names.
    pub(super) fn of_globals(Globals) {
        hsts: "HSTS",
        https_redirect_status: "status of redirects to https",
        blocking: "blocked requests",
        forwarding: "trust in headers of clients",
        request_ids: "request ids",
        client_timeouts: "timeouts of clients",
        upstream_timeouts: "timeouts of endpoints",
        body_limits: "largest bodies",
        buffers: "buffers",
        retries: "further tries",
        location_rewrite: "rewriting of Location",
        grpc_buffer_kib: "buffer of gRPC",
        upstream_http_1_0: "version of HTTP to endpoints",
        upstream_keepalive: "idle connections to endpoints",
        balance: "balancing",
        custom_errors: "error pages",
        default_backend: "default backend",
        server_tokens: "version in answers",
        backend_server_header: "Server in answers",
        hidden_headers: "hidden headers",
        request_headers: "headers for endpoints" ["proxy-set-headers"],
        response_headers: "headers of answers" ["add-headers"],
        underscores_in_headers: "underscores in headers",
        invalid_headers: "invalid headers",
        relative_redirects: "relative redirects",
        default_type: "type of answers without one",
        gzip: "compression",
        compression: "ways of compression",
        limits: "answers of limits",
        access_log: "access log",
        error_log: "error log",
        streams: "TCP and UDP",
        workers: "workers",
    } inside {
        listeners: listeners,
        tls: tls,
    }
}

/// The private port is there when a host is passed on, which is told of the host.
fn listeners(old: &Listeners, new: &Listeners, out: &mut Vec<Part>) {
    let rest = |all: &Listeners| Listeners { passthrough_port: None, ..all.clone() };
    if rest(old) != rest(new) {
        out.push(Part::new("ports and protocols", &[]));
    }
}

fn tls(old: &Tls, new: &Tls, out: &mut Vec<Part>) {
    let rest = |all: &Tls| Tls { dh_params: None, ..all.clone() };
    if rest(old) != rest(new) {
        out.push(Part::new("TLS", &[]));
    }
    if old.dh_params != new.dh_params {
        out.push(Part::new("parameters of Diffie-Hellman", &["ssl-dh-param"]));
    }
}

/// What is there on one side only is one part; what is on both is compared by a function.
fn option_of<T, W: Borrow<T>>(
    name: &'static str,
    told_by: &'static [&'static str],
    compare: impl Fn(&T, &T, &mut Vec<Part>),
) -> impl Fn(&Option<W>, &Option<W>, &mut Vec<Part>) {
    move |old, new, out| match (old, new) {
        (Some(old), Some(new)) => compare(old.borrow(), new.borrow(), out),
        (None, None) => {}
        _ => out.push(Part::new(name, told_by)),
    }
}
