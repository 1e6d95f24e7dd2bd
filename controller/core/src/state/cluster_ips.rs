//! Whose the cluster IPs are.

use super::Service;
use crate::names::ObjectName;
use foldhash::HashMap;
use std::net::IpAddr;

/// The Services by their cluster IPs. A cluster gives each IP to one of them; files may hold anything.
#[derive(Debug, Clone, Default)]
pub(super) struct ClusterIps(HashMap<IpAddr, Vec<ObjectName>>);

impl ClusterIps {
    /// A Service was `before`, and is `now`; answers whether that has other IPs.
    pub(super) fn replace(&mut self, before: Option<&Service>, now: Option<&Service>) -> bool {
        let ips = |service: Option<&Service>| service.map_or_else(Box::default, |service| service.cluster_ips.clone());
        if ips(before) == ips(now) {
            return false;
        }
        for (service, ip) in before.iter().flat_map(|service| service.cluster_ips.iter().map(move |ip| (service, ip))) {
            if let Some(names) = self.0.get_mut(ip) {
                names.retain(|name| *name != service.meta.name);
                if names.is_empty() {
                    self.0.remove(ip);
                }
            }
        }
        for (service, ip) in now.iter().flat_map(|service| service.cluster_ips.iter().map(move |ip| (service, ip))) {
            self.0.entry(*ip).or_default().push(service.meta.name.clone());
        }
        true
    }

    /// Whether this is the IP of Services, none of them of this namespace.
    pub(super) fn are_of_others(&self, ip: &IpAddr, namespace: &str) -> bool {
        self.0.get(ip).is_some_and(|names| names.iter().all(|name| name.namespace() != namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_ip_is_of_others_as_long_as_no_service_of_the_namespace_has_it() {
        let service = |namespace: &str, ips: &[&str]| -> Service {
            serde_json::from_value(
                json!({"metadata": {"name": "s", "namespace": namespace}, "spec": {"clusterIP": ips.first(), "clusterIPs": ips}}),
            )
            .unwrap()
        };
        let (one, two) = ("10.96.0.1".parse().unwrap(), "fd00::1".parse().unwrap());
        let mut known = ClusterIps::default();
        let shop = service("shop", &["10.96.0.1", "fd00::1"]);
        assert!(known.replace(None, Some(&shop)) && !known.replace(Some(&shop), Some(&shop)));
        assert!([one, two].iter().all(|ip| known.are_of_others(ip, "blog") && !known.are_of_others(ip, "shop")));
        let blog = service("blog", &["10.96.0.1"]);
        assert!(known.replace(None, Some(&blog)) && !known.are_of_others(&one, "blog"));
        let headless = service("shop", &["None"]);
        assert!(known.replace(Some(&shop), Some(&headless)) && !known.are_of_others(&two, "blog") && known.are_of_others(&one, "shop"));
        assert!(!known.replace(Some(&headless), None) && known.replace(Some(&blog), None));
        assert!(known.0.is_empty());
    }
}
