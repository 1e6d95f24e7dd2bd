//! How requests are forwarded: versions, times, buffers, further tries, and what becomes of `Location` and cookies.

use super::directives::said;
use super::{Meaning, others};
use crate::model::{Bandwidth, CookieRewrite};
use crate::names::shown;
use crate::settings::values;

type Done = Result<(), String>;

impl Meaning {
    /// `None`: it has no meaning.
    pub(super) fn forwarding_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("proxy_cookie_domain", pair @ ([_] | [_, _])) => cookie_rewrite(&mut self.cookie_domain, pair),
            ("proxy_cookie_path", pair @ ([_] | [_, _])) => cookie_rewrite(&mut self.cookie_path, pair),
            ("proxy_buffers", [count, size]) => self.upstream_buffers(count, size),
            ("proxy_http_version", [version]) => self.http_version(version),
            ("proxy_next_upstream" | "grpc_next_upstream", causes @ [_, ..]) => {
                said(values::retry_causes(&causes.join(" "))).map(|causes| self.retries.causes = Some(causes))
            }
            ("proxy_redirect", [word]) => self.redirects_from(word, "off"),
            ("proxy_redirect", [from, to]) => self.redirects_from(from, to),
            (name, [value]) => self.time(name, value).or_else(|| self.size(name, value)).unwrap_or_else(|| Err(others::unknown(name))),
            _ => return None,
        })
    }

    fn http_version(&mut self, version: &str) -> Done {
        self.http_1_0 = Some(match version {
            "1.0" => true,
            "1.1" => false,
            _ => return Err(format!("{} is neither 1.0 nor 1.1", shown(version))),
        });
        Ok(())
    }

    fn redirects_from(&mut self, from: &str, to: &str) -> Done {
        if self.location_rewrite.is_some() {
            return Err("there can be one only".to_owned());
        }
        self.location_rewrite = Some(said(values::location_rewrite(from, to))?);
        Ok(())
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
            "proxy_next_upstream_tries" => said(values::number(value)).map(|tries| self.retries.tries = Some(tries.min(1 << 20))),
            _ => return None,
        })
    }

    fn bandwidth(&mut self) -> &mut Bandwidth {
        self.bandwidth.get_or_insert(Bandwidth { rate_kib: None, after_kib: None })
    }
}

fn cookie_rewrite(place: &mut Option<CookieRewrite>, pair: &[&str]) -> Done {
    *place = said(values::cookie_rewrite(&pair.join(" ")))?;
    Ok(())
}
