//! External authentication of all routes.

use super::others::snippet;
use super::readers::texts;
use super::{DEAD, Guard, NoEffect, Read, Rule, config};
use crate::model::{AuthCache, AuthMethod, ExternalAuth, UpstreamKeepalive};
use crate::names::{HeaderName, ServiceUrl, VariableText, shown};
use crate::settings::values::{Mistake, flag};
use crate::settings::{SnippetKey, auth};

/// The keys of one service, until all are read.
#[derive(Default)]
pub(super) struct AuthDraft {
    url: Option<ServiceUrl>,
    method: Option<AuthMethod>,
    sign_in: Option<String>,
    parameter: Option<String>,
    response_headers: Vec<HeaderName>,
    redirect_target: Option<String>,
    cache_key: Option<VariableText>,
    cache_times: Option<Vec<crate::model::CacheTime>>,
    always_set_cookie: bool,
}

impl AuthDraft {
    /// Puts them together; `None`: no service is asked.
    pub(super) fn finish(self) -> Option<ExternalAuth> {
        let parameter = self.parameter.as_deref().unwrap_or("rd");
        let times = self.cache_times.unwrap_or_default();
        Some(ExternalAuth {
            url: self.url?,
            method: self.method,
            sign_in: self.sign_in.and_then(|url| auth::sign_in(&url, parameter).ok()),
            response_headers: self.response_headers,
            request_headers: Vec::new(),
            redirect_target: self.redirect_target,
            cache: self.cache_key.map(|key| AuthCache { key, times }),
            always_set_cookie: self.always_set_cookie,
            keepalive: UpstreamKeepalive::none(),
        })
    }
}

/// `auth!(field, reader)`: the value goes into that field; an empty one says nothing.
macro_rules! auth {
    ($field:ident, $reader:expr) => {
        |draft, text| {
            draft.auth.$field = if text.is_empty() { Default::default() } else { $reader(text)?.into() };
            Ok(())
        }
    };
}

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("global-auth-url", Guard(auth!(url, auth::service_url), |config| &mut config.lost.auth)),
    // Asked in another way, the service could say yes to everybody.
    ("global-auth-method", Guard(auth!(method, method), |config| &mut config.lost.auth)),
    ("global-auth-signin", Read(auth!(sign_in, sign_in))),
    ("global-auth-signin-redirect-param", Read(auth!(parameter, auth::parameter))),
    // Without its headers an endpoint would take those of clients for the service's.
    ("global-auth-response-headers", Guard(auth!(response_headers, auth::response_headers), |config| &mut config.lost.auth)),
    ("global-auth-request-redirect", Read(auth!(redirect_target, auth::redirect_target))),
    ("global-auth-snippet", Read(|draft, text| snippet(draft, SnippetKey::Auth, text))),
    ("global-auth-cache-key", Read(auth!(cache_key, auth::cache_key))),
    ("global-auth-cache-duration", Read(cache_duration)),
    ("global-auth-always-set-cookie", Read(auth!(always_set_cookie, flag))),
    ("no-auth-locations", config!(no_auth_locations, texts)),
    ("global-external-auth", NoEffect(DEAD)),
];

fn method(text: &str) -> Result<AuthMethod, Mistake> {
    AuthMethod::new(text).ok_or_else(|| Mistake::new(format!("{} is not a method", shown(text)), "use a method such as GET, in upper case"))
}

fn sign_in(text: &str) -> Result<String, Mistake> {
    auth::sign_in(text, "rd").map(|_| text.to_owned())
}

/// The usual times hold only for a key that is there.
fn cache_duration(draft: &mut super::Draft, text: &str) -> Result<(), Mistake> {
    let read = auth::cache_times(if text.trim().is_empty() { auth::USUAL_TIMES } else { text });
    let usual = || auth::cache_times(auth::USUAL_TIMES).unwrap_or_default();
    draft.auth.cache_times = Some(read.as_ref().map_or_else(|_| usual(), Clone::clone));
    read.map(|_| ())
}
