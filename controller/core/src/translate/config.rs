//! The main ConfigMap.

use super::{Input, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::settings::{Config, Problem, ProblemKind};
use std::collections::BTreeMap;

/// Reads the settings of the main ConfigMap; without one, everything is at its default.
pub(super) fn read(input: Input<'_>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> Config {
    let settings = input.settings;
    services(input, settings.tcp_services_config_map.as_ref(), "TCP", wanted, diagnostics);
    services(input, settings.udp_services_config_map.as_ref(), "UDP", wanted, diagnostics);
    let empty = BTreeMap::new();
    let name = settings.config_map.as_ref();
    wanted.config_maps.extend(name.cloned());
    let data = name.and_then(|name| input.snapshot.config_map(name)).map_or(&empty, |map| &map.data);
    let (config, problems) = crate::settings::read(settings, data);
    diagnostics.extend(name.into_iter().flat_map(|name| problems.iter().map(|problem| finding(name, problem))));
    config
}

fn finding(name: &ObjectName, problem: &Problem) -> Diagnostic {
    let code = match problem.kind {
        ProblemKind::BadValue | ProblemKind::BadProtection => Code::BadSetting,
        ProblemKind::Unsupported => Code::UnsupportedSetting,
        ProblemKind::UnsupportedProtection => Code::UnsupportedProtection,
        ProblemKind::Unknown => Code::UnknownSetting,
    };
    let object = ObjectRef::new(Kind::ConfigMap, name.clone());
    let key = crate::names::shown(&problem.key);
    let finding =
        Diagnostic::new(code, object, format!("data[{}]", key.trim_matches('"')), problem.message.clone()).help(problem.help.clone());
    if problem.kind == ProblemKind::BadProtection { finding.outcome(Outcome::ClosedRoute) } else { finding }
}

/// TCP and UDP services are not forwarded: each entry is said, none is served.
fn services(input: Input<'_>, name: Option<&ObjectName>, protocol: &str, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) {
    const SAID_AT_MOST: usize = 100;
    let Some(name) = name else { return };
    wanted.config_maps.insert(name.clone());
    let Some(map) = input.snapshot.config_map(name) else { return };
    for key in map.data.keys().take(SAID_AT_MOST) {
        let object = ObjectRef::new(Kind::ConfigMap, name.clone());
        let shown = crate::names::shown(key);
        let finding = Diagnostic::new(
            Code::UnsupportedSetting,
            object,
            format!("data[{}]", shown.trim_matches('"')),
            format!("{protocol} services are not forwarded; nothing listens on port {shown}"),
        );
        diagnostics.push(finding.help("expose the Service by other means"));
    }
}
