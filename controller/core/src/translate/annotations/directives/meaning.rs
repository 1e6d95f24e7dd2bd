//! What the directives of a snippet mean: each becomes a wish of the model, or is refused by name.

use super::blocks::HeaderBlock;
use super::chosen::Choices;
use super::limits::{self, LimitUse};
use super::locations::Named;
use super::reader::{self, Directive};
use super::searches::Search;
use super::sources::sources;
use super::{answered, answers, locations, others, places};
use crate::model::{
    Bandwidth, Buffering, ClientLimits, CookieRewrite, EarlyAnswer, Extra, LocationRewrite, MediaType, Retries, Satisfy, SignIn,
    SourceRanges, Timeouts,
};
use crate::names::{HeaderName, HostName, shown};
use crate::settings::{LimitZones, SnippetKey, values};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// Headers of the service that decides, by names in lower case.
pub(in crate::translate) type Answers = BTreeMap<String, HeaderName>;

/// What a snippet asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::translate) struct Meaning {
    pub(in crate::translate) extra: Extra,
    pub(super) timeouts: Timeouts,
    pub(super) buffering: Buffering,
    pub(super) sources: Option<SourceRanges>,
    pub(super) satisfy: Option<Satisfy>,
    pub(super) retries: Retries,
    /// Endpoints are spoken to in HTTP/1.0, or 1.1.
    pub(super) http_1_0: Option<bool>,
    pub(super) location_rewrite: Option<LocationRewrite>,
    /// `proxy_redirect default`: it adds nothing to what else is replaced, for endpoints are asked under no URL.
    pub(super) usual_redirects: bool,
    pub(super) port_in_redirects: Option<bool>,
    /// Paths to which somebody is led stay such.
    pub(super) relative_redirects: Option<bool>,
    /// It says something of some paths only.
    pub(super) has_locations: bool,
    /// These are paths of the routes of one Ingress.
    pub(super) is_of_routes: bool,
    /// What locations with names answer.
    pub(super) named: Named,
    /// Other paths that are looked for among routes again.
    pub(super) searches: Vec<Search>,
    /// Nothing is logged.
    pub(super) unlogged: bool,
    /// Directives without effect, and why.
    pub(super) without: Vec<(String, &'static str)>,
    /// What else is to be said of directives, with their places.
    pub(super) remarks: Vec<String>,
    /// Those of them that ask for more protection than there is without them, if the proxy as a whole has the looser value.
    pub(super) strict: Vec<&'static str>,
    /// Headers of answers that stay the proxy's own.
    pub(super) own_headers: Vec<HeaderName>,
    /// The name that endpoints are told in handshakes, and whether they are.
    pub(super) endpoint_name: Option<HostName>,
    pub(super) tells_endpoint_name: Option<bool>,
    /// Where clients go in place of 401.
    pub(super) sign_in: Option<SignIn>,
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) cookie_domain: Option<CookieRewrite>,
    pub(super) cookie_path: Option<CookieRewrite>,
    /// Texts of variables that `set` has given one, as they are written.
    pub(super) variables: BTreeMap<String, String>,
    /// What variables are set to under conditions.
    pub(super) chosen: BTreeMap<String, Choices>,
    /// Headers of the service that decides, by variables that `auth_request_set` has given one.
    pub(super) answered: Answers,
    /// `sub_filter_once`.
    pub(super) every_occurrence: bool,
    pub(super) rules: Vec<(bool, Option<IpNet>)>,
    /// `limit_except`.
    pub(super) excepted: Option<Vec<EarlyAnswer>>,
    /// Headers under conditions.
    pub(super) blocks: Vec<HeaderBlock>,
    /// Zones that it defines.
    pub(super) zones: LimitZones,
    pub(super) limit_uses: Vec<LimitUse>,
    pub(super) limits: Option<ClientLimits>,
}

/// Reads a snippet. `zones`: those that are defined further out.
///
/// # Errors
/// With the place and the name of a directive, and what is wrong with it.
pub(in crate::translate) fn read_within(text: &str, zones: &LimitZones, known: Known) -> Result<Meaning, String> {
    read_all(text, zones, known, Zones::StandElsewhere)
}

/// What is known before a snippet is read.
#[derive(Debug, Clone, Default)]
pub(in crate::translate) struct Known {
    /// Headers of the service that decides, by the names that they have without being given one.
    pub(in crate::translate) answered: Answers,
    /// Texts of variables that are set further out.
    pub(in crate::translate) variables: BTreeMap<String, String>,
    /// What locations with names answer.
    pub(in crate::translate) named: Named,
    /// It is for the routes of an Ingress, so that its locations are within these.
    pub(in crate::translate) is_of_routes: bool,
}

impl Known {
    fn meaning(self) -> Meaning {
        let Self { answered, variables, named, is_of_routes } = self;
        Meaning { answered, variables, named, is_of_routes, ..Meaning::default() }
    }
}

/// What the snippet of a host lets that of its routes know, as far as it can be read: the variables that it sets whatever is
/// asked for, and its locations with names.
pub(in crate::translate) fn known_of(text: &str) -> Known {
    let Ok(directives) = reader::read(text) else { return Known::default() };
    let variables = variables_of(&directives);
    Known { variables, named: locations::named(&directives), ..Known::default() }
}

fn variables_of(directives: &[Directive]) -> BTreeMap<String, String> {
    let mut meaning = Meaning::default();
    meaning.learn(directives);
    for directive in directives.iter().filter(|directive| directive.block.is_none()) {
        if let ("set", [variable, value]) = (directive.name.as_str(), directive.arguments.as_slice()) {
            // One that cannot be read is named where it is used.
            let _unread = meaning.set(variable, value);
        }
    }
    let Meaning { mut variables, chosen, .. } = meaning;
    variables.retain(|name, _| !chosen.contains_key(name));
    variables
}

/// Whether zones may be defined.
#[derive(Clone, Copy, PartialEq)]
enum Zones {
    MayStandHere,
    StandElsewhere,
}

impl Zones {
    fn of(key: SnippetKey) -> Self {
        if key == SnippetKey::Http { Self::MayStandHere } else { Self::StandElsewhere }
    }

    /// Whether a directive has no meaning, whatever stands in front of it.
    fn is_foreign(self, directive: &Directive) -> bool {
        let is_idle = self == Self::MayStandHere && others::idle_block(directive).is_some();
        let read = Meaning::default().directive(directive);
        !is_idle && read.is_err_and(|why| why.starts_with(NO_MEANING) || why == NO_BLOCK)
    }

    fn check(self, meaning: Meaning, directives: &[Directive]) -> Result<Meaning, String> {
        if meaning.zones.is_empty() || self == Self::MayStandHere {
            return Ok(meaning);
        }
        let why = format!("zones are not defined here, but in {}", SnippetKey::Http.as_str());
        Err(places::wrong_of(directives, &["limit_req_zone", "limit_conn_zone"], (0, why)))
    }
}

/// The same of a key of the main ConfigMap; zones may be defined in the outermost.
///
/// # Errors
/// As [`read_within`].
pub(in crate::translate) fn read_key(key: SnippetKey, text: &str, zones: &LimitZones) -> Result<Meaning, String> {
    read_all(text, zones, Known::default(), Zones::of(key))
}

/// The same of what is left of one.
pub(super) fn read_rest(key: SnippetKey, directives: &[Directive], zones: &LimitZones) -> Result<Meaning, String> {
    read_directives(directives, zones, Known::default(), Zones::of(key))
}

fn read_all(text: &str, zones: &LimitZones, known: Known, defined: Zones) -> Result<Meaning, String> {
    let directives = reader::read(text)?;
    let read = read_directives(&directives, zones, known, defined);
    read.map_err(|why| places::with_others(&directives, why, |directive| defined.is_foreign(directive)))
}

fn read_directives(directives: &[Directive], zones: &LimitZones, known: Known, defined: Zones) -> Result<Meaning, String> {
    let mut meaning = known.meaning();
    meaning.named.extend(locations::named(directives));
    meaning.learn(directives);
    for directive in meaning.in_turn(locations::in_order(directives, meaning.is_of_routes)?) {
        if let Some(why) = others::idle_block(directive).filter(|_| defined == Zones::MayStandHere) {
            meaning.without.push((directive.name.clone(), why));
            continue;
        }
        meaning.directive(directive).map_err(|why| directive.wrong(&why))?;
    }
    meaning.finish(directives, zones)?;
    defined.check(meaning, directives)
}

/// The same for whoever may say everything: directives without a meaning are kept as they are.
///
/// # Errors
/// As [`read_within`], and for those that read files, write them or run code.
pub(in crate::translate) fn read_raw(text: &str, zones: &LimitZones, known: Known) -> Result<Meaning, String> {
    let (directives, mut meaning, mut raw) = (reader::read(text)?, known.meaning(), Vec::new());
    meaning.learn(&directives);
    for directive in meaning.in_turn(&directives) {
        // In the snippet of a route it is one inside of the route's; and what would be left out can be given.
        let as_written = directive.name == "location" || others::does_without(&directive.name).is_some();
        let read = if as_written { Err(others::unknown(&directive.name)) } else { meaning.directive(directive) };
        let Err(why) = read else { continue };
        let no_meaning = why.starts_with(NO_MEANING) || (directive.block.is_some() && directive.name != "if");
        let kept = if no_meaning { super::raw::of(directive) } else { Err(why) };
        raw.push(kept.map_err(|why| directive.wrong(&why))?);
    }
    meaning.finish(&directives, zones)?;
    meaning.extra.raw = raw;
    Zones::StandElsewhere.check(meaning, &directives)
}

type Done = Result<(), String>;

impl Meaning {
    /// Puts together what several of the directives say.
    pub(super) fn finish(&mut self, directives: &[Directive], zones: &LimitZones) -> Done {
        self.place_blocks()?;
        if self.usual_redirects {
            self.location_rewrite.get_or_insert(LocationRewrite::Off);
        }
        self.sources = sources(&self.rules).map_err(|wrong| places::wrong_of(directives, &["allow", "deny"], wrong))?;
        // Who may ask is looked at behind all answers, and behind one that is always given nobody is left.
        let is_left = self.extra.answers.last().is_none_or(|answer| answer.when.is_some() || answer.path.is_some());
        self.extra.answers.extend(self.excepted.take().filter(|_| is_left).into_iter().flatten());
        self.count_in(zones).map_err(|wrong| places::wrong_of(directives, &["limit_req", "limit_conn"], wrong))?;
        if let Some(substitutions) = &mut self.extra.substitutions {
            if substitutions.texts.is_empty() {
                let nothing = (0, "there is no sub_filter".to_owned());
                return Err(places::wrong_of(directives, &["sub_filter_once", "sub_filter_types"], nothing));
            }
            substitutions.once = !self.every_occurrence;
        }
        Ok(())
    }

    pub(super) fn directive(&mut self, directive: &Directive) -> Done {
        let arguments: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
        if let Some(block) = &directive.block {
            return match directive.name.as_str() {
                "if" => self.conditional(&arguments, block),
                "location" => self.location(&arguments, block),
                "limit_except" => self.except(&arguments, block),
                _ => Err(NO_BLOCK.to_owned()),
            };
        }
        let (name, given) = (directive.name.as_str(), arguments.as_slice());
        let headers = self.header_directive(name, given);
        let read = headers.or_else(|| self.limit_directive(name, given)).or_else(|| self.other_directive(name, given));
        let read = read.unwrap_or_else(|| Err(others::unknown(name)));
        match others::does_without(name).filter(|_| read.is_err()) {
            Some(why) => {
                self.without.push((name.to_owned(), why));
                self.strict.extend(others::strict(name, given));
            }
            None if others::is_nothing(name) => {}
            None => return read,
        }
        Ok(())
    }

    /// Who may ask, and how much; `None`: it is something else.
    fn limit_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("allow", [range]) => self.rule(true, range),
            ("deny", [range]) => self.rule(false, range),
            ("limit_req_zone", [key, words @ ..]) => self.rate_zone(key, words),
            ("limit_conn_zone", [key, zone]) => self.connection_zone(key, zone),
            ("limit_req", words) => self.limit_requests(words),
            ("limit_conn", [zone, number]) => self.limit_connections(zone, number),
            ("limit_req_status", [status]) => limits::status(status).map(|status| self.extra.request_limit_status = Some(status)),
            ("limit_conn_status", [status]) => limits::status(status).map(|status| self.extra.connection_limit_status = Some(status)),
            ("satisfy", [how]) => self.satisfied(how),
            _ => return None,
        })
    }

    /// Answers, texts and what has one number; `None`: it has no meaning.
    fn other_directive(&mut self, name: &str, given: &[&str]) -> Option<Done> {
        Some(match (name, given) {
            ("return", given) => answers::read(self, None, given),
            ("rewrite", given) => answers::rewrite(self, None, given),
            ("set", [variable, value]) => self.set(variable, value),
            (answered::SET, given) => answered::named(given).map(|_| ()),
            (name, [value]) if others::is_default(name, value) => Ok(()),
            ("error_page", ["401", url] | ["401", "=302" | "=", url]) if !url.starts_with(['/', '@']) => {
                self.read_sign_in(url).map(|sign_in| _ = self.sign_in.get_or_insert(sign_in))
            }
            ("error_page", [codes @ .., name]) if name.starts_with('@') => self.error_of_location(codes, name),
            // The status stays, and only the text of an error would be another one.
            ("error_page", [codes @ .., path]) if is_page(codes, path) => {
                self.without.push((name.to_owned(), others::PAGES));
                Ok(())
            }
            ("proxy_intercept_errors", ["on" | "off"]) => {
                self.without.push((name.to_owned(), others::INTERCEPTED));
                Ok(())
            }
            ("auth_basic" | "auth_request", ["off"]) => {
                self.without.push((name.to_owned(), others::GUARDS));
                Ok(())
            }
            ("access_log", ["off"] | ["/dev/null", ..]) => {
                self.unlogged = true;
                Ok(())
            }
            ("expires", [age]) => answers::expires(age).map(|age| self.extra.expires = Some(age)),
            ("default_type", [kind]) => self.type_of_answers(kind),
            _ => return self.body_directive(name, given).or_else(|| self.forwarding_directive(name, given)),
        })
    }

    /// `error_page` with the name of a location: a redirect to where clients sign in, or another text of the same status.
    fn error_of_location(&mut self, codes: &[&str], name: &str) -> Done {
        const HELP: &str = "of locations with names those have a meaning that return 302 and a URL in place of 401, with =, or a text with the \
                            status itself; use the annotation custom-http-errors with default-backend for other answers";
        let (status, text) = self.named.get(name).cloned().ok_or_else(|| {
            let why = "with return in server-snippet of this Ingress; write it there, or use the annotation custom-http-errors";
            format!("there is no location {} {why}", shown(name))
        })?;
        let plain = codes.strip_suffix(&["="]).unwrap_or(codes);
        match codes {
            ["401", "=302" | "="] if status == "302" => self.read_sign_in(&text).map(|sign_in| _ = self.sign_in.get_or_insert(sign_in)),
            _ if is_page(plain, "/") && plain.iter().all(|code| *code == status) => {
                self.without.push(("error_page".to_owned(), others::PAGES));
                Ok(())
            }
            _ => Err(HELP.to_owned()),
        }
    }

    fn except(&mut self, methods: &[&str], block: &[Directive]) -> Done {
        if self.excepted.is_some() {
            return Err("there can be one in a snippet; name all methods in it".to_owned());
        }
        let mut inside = Self::default();
        for directive in block {
            match (directive.name.as_str(), directive.arguments.as_slice()) {
                (name @ ("allow" | "deny"), [range]) if directive.block.is_none() => {
                    inside.rule(name == "allow", range).map_err(|why| directive.wrong(&why))?;
                }
                _ => return Err(directive.wrong("only allow and deny are accepted inside")),
            }
        }
        if inside.rules.is_empty() {
            return Err("allow or deny belongs inside".to_owned());
        }
        let sources = sources(&inside.rules).map_err(|wrong| places::wrong_of(block, &["allow", "deny"], wrong))?;
        self.excepted = Some(answers::except(methods, sources.as_ref())?);
        Ok(())
    }

    /// What a proxy answers by itself has one type.
    pub(super) fn type_of_answers(&mut self, kind: &str) -> Done {
        let kind = media_type(kind)?;
        match &self.extra.default_type {
            Some(other) if *other != kind => Err(format!("what is answered here has one type, and {} is another", shown(kind.as_str()))),
            _ => {
                self.extra.default_type = Some(kind);
                Ok(())
            }
        }
    }

    fn satisfied(&mut self, how: &str) -> Done {
        self.satisfy = Some(match how {
            "any" => Satisfy::Any,
            "all" => Satisfy::All,
            _ => return Err(format!("{} is neither any nor all", shown(how))),
        });
        Ok(())
    }

    pub(super) fn rule(&mut self, allows: bool, range: &str) -> Done {
        let range = if range == "all" { None } else { Some(*said(values::networks(range))?.first().ok_or("it names no address")?) };
        self.rules.push((allows, range));
        Ok(())
    }
}

/// Whether errors of these statuses have a path of the host for their text.
fn is_page(codes: &[&str], path: &str) -> bool {
    let is_error = |code: &&str| code.parse().is_ok_and(|code: u16| (400..=599).contains(&code));
    !codes.is_empty() && codes.iter().all(is_error) && path.starts_with('/') && !path.starts_with("//")
}

pub(super) const NO_MEANING: &str = "it has no meaning";
/// The same of a block.
const NO_BLOCK: &str = "blocks are not accepted";

/// Why a value cannot be read.
pub(super) fn said<T>(read: Result<T, values::Mistake>) -> Result<T, String> {
    read.map_err(|mistake| mistake.message)
}

/// `text/css`.
pub(super) fn media_type(text: &str) -> Result<MediaType, String> {
    MediaType::new(text).ok_or_else(|| format!("{} is not a media type", shown(text)))
}
