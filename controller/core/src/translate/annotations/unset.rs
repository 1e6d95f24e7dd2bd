//! Variables of texts for endpoints that say nothing, or what only the client decides: that is said.

use super::Given;
use crate::names::VariableText;
use crate::names::variable::is_of_answer;

/// What clients send, or not.
const FAMILIES_OF_CLIENTS: &[&str] = &["arg_", "cookie_", "http_"];

/// Says it of the first variable of a text.
pub(super) fn tell(given: &mut Given<'_>, name: &'static str, text: &VariableText) {
    let is_of_client = |variable: &str| FAMILIES_OF_CLIENTS.iter().any(|family| variable.starts_with(family));
    for variable in text.variables() {
        if is_of_answer(variable) {
            let message = format_args!("${variable} is known only when an endpoint has answered, and is empty here");
            return given.note(name, message, "remove it, or use a variable of the request such as $host");
        }
        if is_of_client(variable) && variable != "http_host" {
            let message = format_args!("${variable} is what the client sends, whatever that is, and empty if it sends nothing");
            return given.note(name, message, "let endpoints not rely on it, or use a variable such as $host");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::problems;

    #[test]
    fn what_says_nothing_or_is_up_to_the_client_is_said() {
        for (name, value, said) in [
            ("rewrite-target", "/$upstream_addr/$1", "$upstream_addr is known only when an endpoint has answered"),
            ("rewrite-target", "/$status", "$status is known only when an endpoint has answered"),
            ("rewrite-target", "/$http_x_tenant/$1", "$http_x_tenant is what the client sends"),
            ("upstream-vhost", "$sent_http_x", "$sent_http_x is known only when an endpoint has answered"),
            ("upstream-vhost", "$cookie_a.test", "$cookie_a is what the client sends"),
        ] {
            let problems = problems(&[(name, value)]);
            assert!(problems.len() == 1 && problems[0].starts_with(&format!("{name}: {said}")), "{problems:?}");
        }
        let prefix = problems(&[("rewrite-target", "/"), ("x-forwarded-prefix", "/$arg_a")]);
        assert!(prefix.len() == 1 && prefix[0].starts_with("x-forwarded-prefix: $arg_a is what the client sends"), "{prefix:?}");
        for (name, value) in [("rewrite-target", "/$host/$1"), ("upstream-vhost", "$http_host"), ("upstream-vhost", "$service_name")] {
            assert_eq!(problems(&[(name, value)]), [""; 0], "{value}");
        }
    }
}
