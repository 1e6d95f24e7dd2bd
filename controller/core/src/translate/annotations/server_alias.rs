//! `server-alias`: further names of the hosts of an Ingress.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::names::{HostAlias, shown};

pub(super) const FEATURE: Feature = Feature {
    name: "Aliases",
    keys: &[Key::new(
        "server-alias",
        Value::List(Class::Regex),
        Scope::Host,
        "Further names of the hosts: names, `*.` and a name, or `~` and a regular expression. The first list for a host counts; a name \
         that is a host itself keeps its own rules.",
    )
    .refused_when_bad()
    .ranked(Tier::A, Risk::High)
    .on_bad_value(OnBadValue::SkipIngress)],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let mut aliases = Vec::new();
    for item in given.items("server-alias").unwrap_or_default() {
        if let Some(c) = item.chars().find(|c| *c != '~' && !Class::Regex.holds(*c)) {
            let message = format!("{} has the character {}", shown(item), shown(c.encode_utf8(&mut [0; 4])));
            given.refuse("server-alias", message, "use names, *.name or ~expression, separated by commas");
            return;
        }
        match HostAlias::parse(item) {
            Ok(alias) => {
                if let HostAlias::Regex(_) = alias {
                    let message = format!("{} is for every host that it matches and no rule names", shown(item));
                    given.note("server-alias", message, "write names if those are meant");
                }
                aliases.push(alias);
            }
            Err(bad) => {
                let help = "use names, *.name or ~expression, separated by commas";
                given.refuse_as(OnBadValue::KeepDefault, "server-alias", bad, help);
                return;
            }
        }
    }
    aliases.sort_unstable();
    aliases.dedup();
    policies.aliases = aliases;
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use crate::settings::Settings;

    #[test]
    fn lists_are_sorted_and_without_duplicates() {
        let names = |value| read(&[("server-alias", value)]).aliases.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("b.example, *.c.example,a.example,b.example,"), ["a.example", "b.example", "*.c.example"]);
        assert_eq!(names(r"~^api[0-9]+\.example$"), [r"~^api[0-9]+\.example$"]);
        assert_eq!(names(""), Vec::<String>::new());
    }

    #[test]
    fn an_expression_is_served_and_its_reach_is_said() {
        assert_eq!(problems(&[("server-alias", r"a.example,~^b\.example$")]).len(), 1);
        assert_eq!(problems(&[("server-alias", "a.example,*.example")]), [""; 0]);
    }

    #[test]
    fn what_is_no_name_is_said() {
        for value in ["10.0.0.1", "a..b", "~(", "*"] {
            let given = [("server-alias", value)];
            assert!(read(&given).aliases.is_empty() && problems(&given).len() == 1, "{value}");
        }
        assert!(read_with(&Settings::default(), &[("server-alias", "a;b")]).0.is_none());
    }
}
