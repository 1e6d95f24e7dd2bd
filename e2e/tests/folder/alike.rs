//! Random paths and requests: every proxy leads a request to the same route.

use gatewright_e2e::client::get;
use gatewright_e2e::manifest::{IngressWords, ingress};
use gatewright_e2e::net::on_a_thread_of_its_own;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, all_running};
use gatewright_e2e::world::path;
use serde_json::{Value, json};

const PROXIES: [Proxy; 4] = [Proxy::NGINX_1_22, Proxy::NGINX_1_30, Proxy::HAPROXY_2_6, Proxy::HAPROXY_3_2];
const SERVICES: [&str; 4] = ["s0", "s1", "s2", "s3"];
const HOSTS: usize = 24;
const REQUESTS: usize = 40;

const SEGMENTS: &[&str] = &["a", "b", "ab", "A", "a.b", "..a", "a..", "~x", "a%2Fb", "é", "a+b", "$x", "a*", "=", "...", "'q'"];
const EXPRESSIONS: &[&str] = &[
    "/a(/|$)(.*)",
    "/a/b",
    "/[ab]+$",
    "/a.*",
    "/(a|b)/.*b$",
    "/a/(?!b)",
    "/(.*)",
    "/a|/b",
    "/x|^/b$",
    "/A",
    "/a[.]b",
    "/[^/]+/b",
    "/(/|$)",
    "/a$",
    "/b/?",
    "/é",
];
/// What is put into a path, in place of one of its slashes.
const BETWEEN: &[&str] = &["//", "/./", "/x/../", "/%2e/", "/%2E%2e/", "/..", "/../", "/..;/", "%2f", "/.a/"];
const ENDS: &[&str] = &[
    "/", "/..", "/.", "/../", ";x=1", "%3f", "%23", "%20", "%0a", "%01", "%7f", "%00", "%", "%zz", "%25", "%250a", "%252f", "%5c", "?",
    "?a=/../b",
];
const NO_HOSTS: &[&str] = &[".", "..", "a..b", "..a", ":80", ".:80", "a..b:80"];
const REWRITTEN: &str = "/rewritten";
const GUARDS: &[(&str, &str)] =
    &[("allowlist-source-range", "10.9.9.9/32"), ("denylist-source-range", "127.0.0.0/8"), ("permanent-redirect", "https://x.test/y")];

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    fn path(&mut self) -> String {
        let path: String = (0..self.roll(4)).flat_map(|_| ["/", self.one_of(SEGMENTS)]).collect();
        if path.is_empty() || self.roll(4) == 0 { path + "/" } else { path }
    }

    /// A host's Ingresses, and the paths of their rules.
    fn ingresses(&mut self, name: &str, host: &str) -> (Vec<Value>, Vec<String>) {
        let of_expressions = self.roll(5) < 2;
        let (mut ingresses, mut paths) = (Vec::new(), Vec::new());
        for number in 0..=self.roll(3) {
            let mut one = ingress(&format!("{name}-{number}")).created(u32::try_from(number).unwrap());
            for _ in 0..=self.roll(3) {
                let written = of_expressions && self.roll(5) > 0;
                let path = if written {
                    self.one_of(EXPRESSIONS).to_owned()
                } else {
                    self.path().replace(['$', '*', '+'], if of_expressions { "" } else { "a" })
                };
                let kind = if of_expressions {
                    "ImplementationSpecific"
                } else {
                    self.one_of(&["Exact", "Prefix", "Prefix", "ImplementationSpecific"])
                };
                one = one.path(host, &path, kind, self.one_of(&SERVICES));
                paths.push(path);
            }
            if of_expressions && number == 0 {
                one = one.annotation("use-regex", "true");
            }
            if self.roll(5) < 2 {
                let (key, value) = GUARDS[self.roll(GUARDS.len())];
                one = one.annotation(key, value);
            } else if of_expressions && self.roll(3) == 0 {
                one = one.annotation("rewrite-target", REWRITTEN);
            }
            ingresses.push(one);
        }
        (ingresses, paths)
    }

    fn target(&mut self, paths: &[String]) -> String {
        let near = if self.roll(3) > 0 { paths[self.roll(paths.len())].clone() } else { self.path() };
        let near = near.split('|').next().unwrap_or_default();
        let mut target: String = near.chars().filter(|c| !r"^$\()[]+?|*!".contains(*c)).collect();
        if self.roll(4) == 0 {
            target = target.replacen('/', self.one_of(BETWEEN), 1);
        }
        if self.roll(3) == 0 {
            target += self.one_of(&["/a", "/b", "a", "/ab/b"]);
        }
        if self.roll(3) == 0 {
            target += self.one_of(ENDS);
        }
        if self.roll(40) == 0 {
            target += &format!("/{}/../..", "%25".repeat(8300));
        }
        let target = if target.starts_with('/') { target } else { format!("/{target}") };
        target.replace('é', "%C3%A9")
    }

    /// One that nobody has, or that is none. It is not rolled for, so what else is asked for stays the same.
    fn no_host(&self, host: String, site: &str) -> String {
        let number = usize::try_from(self.0 / 8).unwrap();
        match number % 3 {
            0 => format!("unknown.{site}"),
            1 => host + "..",
            _ => NO_HOSTS[number / 3 % NO_HOSTS.len()].to_owned(),
        }
    }

    fn host(&mut self, host: &str, site: &str) -> String {
        let label = self.one_of(&["a", "A", "a.b", "-", "a_b"]);
        let host = host.replace('*', label);
        match self.roll(8) {
            0 => host.to_uppercase(),
            1 => host + ":80",
            2 => host + ".",
            3 => self.no_host(host, site),
            _ => host,
        }
    }
}

/// What is asked, and the answer.
fn without_rules(line: &str) -> &str {
    line.split('\0').next().unwrap_or_default()
}

fn is_rewritten(line: &str) -> bool {
    without_rules(line).contains(REWRITTEN)
}

/// HAProxy refuses some paths where nginx rewrites what it has compared.
fn is_refused(line: &str) -> bool {
    without_rules(line).ends_with(": 400 ")
}

/// Status, or who answers and what that was asked for.
fn led(host: &str, target: &str) -> String {
    let answer = get(host, target).map_err(|error| error.to_string());
    let target_of = |echo: &Value| echo["target"].as_str().unwrap_or_default().to_owned();
    answer.map_or_else(|error| error, |answer| format!("{} {}", answer.word(), target_of(&answer.echo())))
}

/// Hosts of a site with random rules, and what is asked: host, path, and the rules of the host.
fn asked(site: &Site, seed: u64) -> Vec<(String, String, String)> {
    let (mut dice, mut objects, mut asked) = (Dice(seed), all_running(&SERVICES), Vec::new());
    for number in 0..HOSTS {
        let name = if number % 5 == 4 { format!("*.w{number}") } else { format!("h{number}") };
        let host = site.host(&name);
        let (ingresses, paths) = dice.ingresses(&format!("h{number}"), &host);
        let told =
            format!("{:?}", ingresses.iter().map(|one| (&one["metadata"]["annotations"], &one["spec"]["rules"])).collect::<Vec<_>>());
        asked.extend((0..REQUESTS).map(|_| (dice.host(&host, &site.host("x")), dice.target(&paths), told.clone())));
        objects.extend(ingresses);
    }
    site.apply(&objects);
    asked
}

fn answers(proxy: Proxy, seed: u64) -> Vec<String> {
    let site = Site::of(proxy, &format!("alike-{:x}", seed >> 48));
    asked(&site, seed).into_iter().map(|(host, target, told)| format!("{host} {target}: {}\u{0}{told}", led(&host, &target))).collect()
}

/// What `explain` says in the place of an answer: the Service, or 404; `None` for what is no URL, or answered by a redirect.
fn explained(site: &Site, host: &str, target: &str) -> Option<String> {
    let url = format!("http://{host}{target}");
    let input = path(&site.world.manifests().join(site.file()));
    let told = site.world.output(&["explain", &url, "-f", &input, "--format", "json"]);
    let told: Value = serde_json::from_slice(&told.stdout).ok()?;
    let it = &told["explanation"];
    assert_eq!(it["untold"], json!([]), "{url}");
    let service = it["routes"][0]["service"].as_str().and_then(|service| service.split(['/', ':']).nth(1));
    if it["redirect"] == true { None } else { Some(service.map_or_else(|| it["status"].to_string(), str::to_owned)) }
}

#[test]
fn explain_tells_where_random_requests_go() {
    const EVERY: usize = 4;
    for proxy in [Proxy::NGINX_1_30, Proxy::HAPROXY_3_2] {
        on_a_thread_of_its_own(|| {
            let site = Site::of(proxy, "alike-explained");
            let (mut wrong, mut services, mut others) = (Vec::new(), 0, 0);
            for (host, target, rules) in asked(&site, 0x9e37_79b9_7f4a_7c15).into_iter().step_by(EVERY) {
                let led = led(&host, &target);
                let seen = led.split(' ').next().unwrap_or_default();
                // Others are refused, by the proxy or by a guard of the route.
                if !seen.starts_with('s') && seen != "404" {
                    continue;
                }
                let Some(told) = explained(&site, &host, &target) else { continue };
                *(if seen == "404" { &mut others } else { &mut services }) += 1;
                if told != seen {
                    wrong.push(format!("{host} {target}: {led}, and explained: {told}\n    {rules}"));
                }
            }
            let all = HOSTS * REQUESTS / EVERY;
            assert!(services > all / 5 && others > all / 20, "too few are compared: {services}, and {others} that nobody serves");
            assert!(wrong.is_empty(), "{} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
        });
    }
}

#[test]
fn random_requests_go_the_same_way_on_every_proxy() {
    for seed in [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03] {
        let all = PROXIES.map(|proxy| {
            let mut seen = Vec::new();
            on_a_thread_of_its_own(|| seen = answers(proxy, seed));
            seen
        });
        let [first, others @ ..] = &all;
        let differs = |other: &Vec<String>, proxy: &Proxy| {
            first
                .iter()
                .zip(other)
                .filter(|(one, two)| one != two && !(is_rewritten(one) && is_refused(two)))
                .map(|(one, two)| {
                    let (one, rules) = one.split_once('\0').unwrap_or_default();
                    format!("{one}\n    {}: {}\n    {rules}", proxy.variable, two.split_once('\0').unwrap_or_default().0)
                })
                .collect::<Vec<_>>()
        };
        let wrong: Vec<String> = others.iter().zip(&PROXIES[1..]).flat_map(|(other, proxy)| differs(other, proxy)).collect();
        assert_eq!(first.len(), HOSTS * REQUESTS);
        let share = |kind: &str| first.iter().filter(|line| without_rules(line).contains(kind)).count();
        let enough = [(": s", 5), (": 403", 40), (": 414", 100), (REWRITTEN, 100)];
        let few: Vec<_> = enough
            .map(|(kind, part)| (kind, share(kind), first.len() / part))
            .into_iter()
            .filter(|(_, seen, least)| seen < least)
            .collect();
        assert!(few.is_empty(), "seed {seed}: too few answers, seen and wanted: {few:?}");
        assert!(wrong.is_empty(), "seed {seed}: {} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
    }
}
