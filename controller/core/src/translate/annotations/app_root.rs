//! `app-root`: send visitors of `/` to the page where the application begins.

use super::{Class, Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::names::UriPath;

pub(super) const FEATURE: Feature = Feature {
    name: "Application root",
    keys: &[Key::new(
        "app-root",
        Value::Text(Class::Path),
        Scope::Host,
        "Answers requests for just `/`, of any Ingress of the host, with a redirect (302) to this path.",
    )
    .ranked(Tier::A, Risk::Medium)],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let Some(text) = given.whole_of_class("app-root", Class::Path) else { return };
    match UriPath::new(text) {
        Ok(path) if path.as_str() == "/" => given.refuse("app-root", "\"/\" would redirect to itself", "name another path"),
        Ok(path) if path.as_str().starts_with("//") => {
            given.refuse("app-root", "what begins with \"//\" is the name of another host to browsers", "begin it with one \"/\"");
        }
        Ok(path) => {
            if text.contains('$') {
                given.note("app-root", "\"$\" stands for itself, and no variable has its value there", "write the path itself");
            }
            policies.host.app_root = Some(path);
        }
        Err(bad) => given.refuse("app-root", bad, "use an absolute path such as /app"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn a_path_reaches_the_host() {
        let root = |value| read(&[("app-root", value)]).host.app_root.map(|path| path.to_string());
        assert_eq!(root("/foo").as_deref(), Some("/foo"));
        assert_eq!(root(""), None);
    }

    #[test]
    fn variables_have_no_value_there_and_that_is_told() {
        let given = [("app-root", "/$http_x_a")];
        assert_eq!(read(&given).host.app_root.map(|path| path.to_string()).as_deref(), Some("/$http_x_a"));
        let said = problems(&given);
        assert!(matches!(&said[..], [one] if one.contains("no variable has its value there")), "{said:?}");
    }

    #[test]
    fn what_is_no_other_path_is_said_and_left_out() {
        for value in ["demo", " /foo", "/foo ", "/", "http://x/", "/a b", "/a;b", "//evil/../x", "//evil.example/", "/a\nb"] {
            let given = [("app-root", value)];
            assert_eq!((read(&given).host.app_root, problems(&given).len()), (None, 1), "{value:?}");
        }
    }
}
