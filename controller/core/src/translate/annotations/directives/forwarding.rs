//! How requests are forwarded: versions, times, buffers, further tries, and what becomes of `Location` and cookies.

use super::meaning::said;
use super::{Meaning, others};
use crate::model::{Bandwidth, CookieFlags, CookieRewrite, LocationRewrite, SameSite};
use crate::names::{HostName, shown};
use crate::settings::values;

type Done = Result<(), String>;

impl Meaning {
    /// `None`: it has no meaning.
    pub(super) fn forwarding_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("proxy_cookie_domain", pair @ ([_] | [_, _])) => cookie_rewrite(&mut self.cookie_domain, pair),
            ("proxy_cookie_path", pair @ ([_] | [_, _])) => self.paths_of_cookies(pair),
            ("proxy_cookie_flags", [cookie, flags @ ..]) => self.cookie_flags(cookie, flags),
            ("proxy_buffers", [count, size]) => self.upstream_buffers(count, size),
            ("proxy_http_version", [version]) => self.http_version(version),
            ("proxy_next_upstream" | "grpc_next_upstream", causes @ [_, ..]) => {
                said(values::retry_causes(&causes.join(" "))).map(|causes| self.retries.causes = Some(causes))
            }
            ("proxy_ssl_name" | "grpc_ssl_name", [name]) => self.name_of_endpoints(name),
            ("proxy_ssl_server_name" | "grpc_ssl_server_name", [on]) => {
                said(values::on_off(on)).map(|on| self.tells_endpoint_name = Some(on))
            }
            // Whatever else is said, nginx replaces nothing then.
            ("proxy_redirect", ["off"]) => {
                self.location_rewrite = Some(LocationRewrite::Off);
                Ok(())
            }
            ("proxy_redirect", ["default"]) => {
                self.usual_redirects = true;
                Ok(())
            }
            ("proxy_redirect", [_]) => {
                Err("alone it takes off or default; write what Location begins with, and what stands there instead".to_owned())
            }
            ("proxy_redirect", [from, to]) => self.redirects_from(from, to),
            (name, [value]) => self.time(name, value).or_else(|| self.size(name, value)).unwrap_or_else(|| Err(others::unknown(name))),
            _ => return None,
        })
    }

    /// `off`, or a cookie, `~` for all, and its attributes.
    fn cookie_flags(&mut self, cookie: &str, words: &[&str]) -> Done {
        let is_name = |name: &str| name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let cookie = match (cookie, words) {
            ("off", []) => return Ok(()),
            (_, []) => return Err("it names a cookie and none of its attributes".to_owned()),
            ("~", _) => None,
            (name, _) if is_name(name) && !name.is_empty() => Some(name.to_owned()),
            (other, _) => return Err(format!("{} is neither the name of a cookie nor ~ for all of them", shown(other))),
        };
        self.extra.cookie_flags.push(flags(cookie, words)?);
        Ok(())
    }

    /// A path, and another one that attributes may stand behind, as people wrote before there were flags.
    fn paths_of_cookies(&mut self, pair: &[&str]) -> Done {
        if let [from, to] = pair
            && let Some((to, attributes)) = to.split_once(';')
        {
            let words: Vec<String> =
                attributes.split(';').map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty()).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            self.extra.cookie_flags.push(flags(None, &words)?);
            return if *from == to { Ok(()) } else { cookie_rewrite(&mut self.cookie_path, &[from, to]) };
        }
        cookie_rewrite(&mut self.cookie_path, pair)
    }

    fn http_version(&mut self, version: &str) -> Done {
        self.http_1_0 = Some(match version {
            "1.0" => true,
            "1.1" => false,
            _ => return Err(format!("{} is neither 1.0 nor 1.1", shown(version))),
        });
        Ok(())
    }

    fn name_of_endpoints(&mut self, name: &str) -> Done {
        if name.contains('$') {
            return Err(format!("{} differs from request to request; write the one name that all endpoints are told", shown(name)));
        }
        self.endpoint_name = Some(HostName::new(name).map_err(|bad| bad.0)?);
        Ok(())
    }

    fn redirects_from(&mut self, from: &str, to: &str) -> Done {
        let rewrite = said(values::location_rewrite(from, to))?;
        match &self.location_rewrite {
            Some(LocationRewrite::Off) => Ok(()),
            Some(other) if *other != rewrite => {
                Err("one pair can be replaced; keep that which the Location of the endpoints begins with".to_owned())
            }
            _ => {
                self.location_rewrite = Some(rewrite);
                Ok(())
            }
        }
    }

    fn upstream_buffers(&mut self, count: &str, size: &str) -> Done {
        self.buffering.upstream_buffers = Some(said(values::number(count))?);
        self.buffering.upstream_bytes = Some(said(values::bytes(size))?);
        Ok(())
    }

    /// Times; `None`: it is something else.
    fn time(&mut self, name: &str, value: &str) -> Option<Done> {
        let place = match name {
            "proxy_connect_timeout" | "grpc_connect_timeout" | "fastcgi_connect_timeout" => &mut self.timeouts.connect_s,
            "proxy_read_timeout" | "grpc_read_timeout" | "fastcgi_read_timeout" => &mut self.timeouts.read_s,
            "proxy_send_timeout" | "grpc_send_timeout" | "fastcgi_send_timeout" => &mut self.timeouts.send_s,
            "proxy_next_upstream_timeout" => &mut self.retries.timeout_s,
            "client_body_timeout" => &mut self.extra.client_body_s,
            "send_timeout" => &mut self.extra.client_send_s,
            _ => return None,
        };
        let shortest = u64::from(name != "proxy_next_upstream_timeout");
        Some(said(values::seconds(value)).map(|seconds| *place = Some(seconds.max(shortest))))
    }

    /// Sizes, numbers and switches; `None`: it is something else.
    fn size(&mut self, name: &str, value: &str) -> Option<Done> {
        let bytes = |place: &mut Option<u64>| said(values::bytes(value)).map(|bytes| *place = Some(bytes));
        let kib = |place: &mut Option<u64>| said(values::bytes(value)).map(|bytes| *place = Some(bytes.div_ceil(1024)));
        let switch = |place: &mut Option<bool>| said(values::on_off(value)).map(|on| *place = Some(on));
        let buffering = &mut self.buffering;
        Some(match name {
            "client_max_body_size" => bytes(&mut buffering.body_limit_bytes),
            "client_body_buffer_size" => bytes(&mut buffering.client_body_bytes),
            "proxy_buffering" => switch(&mut buffering.buffer_responses),
            "proxy_request_buffering" => switch(&mut buffering.buffer_requests),
            "proxy_buffer_size" => bytes(&mut buffering.upstream_bytes),
            "proxy_busy_buffers_size" => bytes(&mut buffering.busy_upstream_bytes),
            "proxy_max_temp_file_size" => bytes(&mut buffering.temp_file_bytes),
            "limit_rate" => kib(&mut self.bandwidth().rate_kib),
            "limit_rate_after" => kib(&mut self.bandwidth().after_kib),
            "port_in_redirect" => switch(&mut self.port_in_redirects),
            "absolute_redirect" => said(values::on_off(value)).map(|on| self.relative_redirects = Some(!on)),
            "proxy_next_upstream_tries" => said(values::number(value)).map(|tries| self.retries.tries = Some(tries.min(1 << 20))),
            _ => return None,
        })
    }

    fn bandwidth(&mut self) -> &mut Bandwidth {
        self.bandwidth.get_or_insert(Bandwidth { rate_kib: None, after_kib: None })
    }
}

fn flags(cookie: Option<String>, words: &[&str]) -> Result<CookieFlags, String> {
    let mut flags = CookieFlags { cookie, secure: None, http_only: None, same_site: None };
    for word in words {
        match word.to_ascii_lowercase().as_str() {
            "secure" => flags.secure = Some(true),
            "nosecure" => flags.secure = Some(false),
            "httponly" => flags.http_only = Some(true),
            "nohttponly" => flags.http_only = Some(false),
            "samesite=strict" => flags.same_site = Some(Some(SameSite::Strict)),
            "samesite=lax" => flags.same_site = Some(Some(SameSite::Lax)),
            "samesite=none" => flags.same_site = Some(Some(SameSite::None)),
            "nosamesite" => flags.same_site = Some(None),
            _ => return Err(format!("{} is no attribute; use secure, httponly, samesite=strict, lax or none", shown(word))),
        }
    }
    Ok(flags)
}

fn cookie_rewrite(place: &mut Option<CookieRewrite>, pair: &[&str]) -> Done {
    *place = said(values::cookie_rewrite(&pair.join(" ")))?;
    Ok(())
}
