//! `ssl-ciphers`, `ssl-prefer-server-ciphers`: the handshakes of clients.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::HostTls;
use crate::names::{CipherList, shown};

pub(super) const FEATURE: Feature = Feature {
    name: "TLS to clients",
    keys: &[
        Key::new(
            "ssl-ciphers",
            Value::Other("names of OpenSSL, separated by `:`"),
            Scope::Host,
            "Ciphers for TLS 1.2 and the hosts of the Ingress. Of several Ingresses the oldest with a list decides.",
        )
        .refused_when_bad()
        .ranked(Tier::B, Risk::Low)
        .configured("ssl-ciphers", "")
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "ssl-prefer-server-ciphers",
            Value::Bool,
            Scope::Host,
            "The order of the list counts, not that of the client. Of several Ingresses the oldest with a say decides.",
        )
        .ranked(Tier::C, Risk::Low)
        .default("true"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let tls = HostTls { ciphers: ciphers(given), own_order: given.bool("ssl-prefer-server-ciphers") };
    policies.host.tls = (tls.ciphers.is_some() || tls.own_order.is_some()).then_some(tls);
}

/// Where ciphers are asked for that nobody offers any more, those for all hosts are stronger.
fn ciphers(given: &mut Given<'_>) -> Option<CipherList> {
    const NAME: &str = "ssl-ciphers";
    if let Some(word) = given.text(NAME).and_then(CipherList::given_up) {
        let message = format!("{} asks for ciphers that protect nothing", shown(word));
        given.refuse_as(OnBadValue::KeepDefault, NAME, message, "remove these from the list");
        return None;
    }
    given.parsed(NAME, CipherList::new)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use crate::settings::Settings;

    #[test]
    fn ciphers_and_their_order_reach_the_host() {
        let tls = read(&[("ssl-ciphers", "HIGH:!RSA"), ("ssl-prefer-server-ciphers", "false")]).host.tls.unwrap();
        assert_eq!((tls.ciphers.unwrap().as_str(), tls.own_order), ("HIGH:!RSA", Some(false)));
        assert_eq!(read(&[("ssl-ciphers", "")]).host.tls, None);
    }

    #[test]
    fn a_list_of_old_leaves_the_ciphers_of_all_hosts() {
        let given = [("ssl-ciphers", "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP")];
        assert_eq!((read(&given).host.tls, problems(&given).len()), (None, 1));
    }

    #[test]
    fn a_bad_list_leaves_the_ingress_out_and_a_bad_order_the_default() {
        for bad in ["ALL:eNULL:aNULL@SECLEVEL=0", "nosuch", "A;B"] {
            assert!(read_with(&Settings::default(), &[("ssl-ciphers", bad)]).0.is_none(), "{bad}");
        }
        assert_eq!(problems(&[("ssl-prefer-server-ciphers", "yes")]).len(), 1);
    }
}
