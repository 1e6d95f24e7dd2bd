//! "This object is wrong": the one type for everything that is wrong with a user's object.
//!
//! The same list feeds Events, the admission answer, `lint`, metrics, the log and `/api/v1/diagnostics`.

mod grouped;

use crate::names::{Kind, ObjectName, ObjectRef};
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

pub use grouped::grouped;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something the object asks for is not done.
    Error,
    /// It is done, but probably not as meant.
    Warning,
    /// Worth knowing; nothing to do.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// What was done in place of what the object asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing had to be left out.
    Served,
    /// The path is served, and no request comes to it: others answer in its place.
    NeverReached,
    /// The default of the setting holds.
    KeptDefault,
    /// The route answers 503 until this is mended.
    ClosedRoute,
    /// Every path of the host answers 403 until this is mended.
    DeniedHost,
    /// The path (or rule) is left out.
    SkippedPath,
    /// The host is left out.
    SkippedHost,
    /// One entry of a list or mapping is left out; the others are used.
    SkippedEntry,
    /// The whole object is left out.
    SkippedObject,
    /// Nothing listens on the port.
    ClosedPort,
    /// The default certificate is served instead.
    DefaultCertificate,
    /// The object's last accepted version is served, if there was one.
    Quarantined,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Served => "served",
            Self::NeverReached => "never reached",
            Self::KeptDefault => "default kept",
            Self::ClosedRoute => "route answers 503",
            Self::DeniedHost => "host answers 403",
            Self::SkippedPath => "path left out",
            Self::SkippedHost => "host left out",
            Self::SkippedEntry => "entry left out",
            Self::SkippedObject => "object left out",
            Self::ClosedPort => "port stays closed",
            Self::DefaultCertificate => "default certificate served",
            Self::Quarantined => "last accepted version kept",
        })
    }
}

/// One finding about one field of one object.
///
/// `message` and `help` are in the house style (lower case, no full stop), one line each, without control
/// characters, at most [`MAX_TEXT_BYTES`] together: whoever builds one shows hostile text with
/// [`crate::names::shown`], and [`Diagnostic::new`] cuts what is still too long.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `GW0203`; `docs` lists them all: [`CODES`].
    pub code: Code,
    /// Whose mistake; `None` for input that is no object.
    pub object: Option<ObjectRef>,
    /// Path of the field as the API spells it, such as `spec.rules[0].http.paths[2].path`; may be empty.
    pub field: String,
    /// What is wrong, with the value given.
    pub message: String,
    /// What would do; may be empty.
    pub help: String,
    /// What was done instead.
    pub outcome: Outcome,
    /// The endpoint that this is about, where its address is the mistake; for whoever compares findings, and not told.
    #[serde(skip)]
    pub endpoint: Option<Box<BadEndpoint>>,
}

/// An endpoint whose address may not be one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BadEndpoint {
    /// The address.
    pub address: IpAddr,
    /// The Service whose it is; `None`: it is of the object that the finding is about.
    pub service: Option<ObjectName>,
}

/// Longest message and help, in bytes, together.
pub const MAX_TEXT_BYTES: usize = 1000;

/// A place in the text of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPlace {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

impl Diagnostic {
    /// Builds a finding; severity and the usual outcome come from the code.
    #[must_use]
    pub fn new(code: Code, object: ObjectRef, field: impl Into<String>, message: impl Into<String>) -> Self {
        let Facts { severity, outcome, .. } = code.facts();
        let (field, message) = (field.into(), cut(message.into()));
        Self { severity, code, object: Some(object), field, message, help: String::new(), outcome, endpoint: None }
    }

    /// The place in the text of the field, for what is said of one in a text of several lines: such a message begins with the
    /// name of the field, and then with the place.
    #[must_use]
    pub fn place_in_text(&self) -> Option<TextPlace> {
        let (line, rest) = self.message.split_once(": line ")?.1.split_once(", column ")?;
        let (column, _) = rest.split_once(": ")?;
        Some(TextPlace { line: line.parse().ok()?, column: column.parse().ok()? })
    }

    /// Builds a finding about input that is no object, or none that has a name.
    #[must_use]
    pub fn of_input(code: Code, message: impl Into<String>) -> Self {
        let Facts { severity, outcome, .. } = code.facts();
        let message = cut(message.into());
        Self { severity, code, object: None, field: String::new(), message, help: String::new(), outcome, endpoint: None }
    }

    /// The same where it is said, and done all the same.
    #[must_use]
    pub(crate) fn only_reported(self) -> Self {
        Self { severity: Severity::Warning, outcome: Outcome::Served, ..self }
    }

    /// Whether it says what would do: by its help, or, as messages of values do, behind the last semicolon of its message.
    #[must_use]
    pub fn tells_what_would_do(&self) -> bool {
        if self.help.is_empty() { tells_what_would_do(&self.message) } else { is_instruction(&self.help) }
    }

    /// Adds what would do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        let mut help = cut(help.into());
        if help.len() + self.message.len() > MAX_TEXT_BYTES {
            help.truncate(help.floor_char_boundary(MAX_TEXT_BYTES.saturating_sub(self.message.len())));
        }
        self.help = help;
        self
    }

    /// Says that routes are closed instead; `why` goes on after the message.
    pub fn close(&mut self, why: &str) {
        // What would do stays at the end.
        if let Some((wrong, help)) = self.message.rsplit_once("; ").filter(|(_, help)| self.help.is_empty() && is_instruction(help)) {
            (self.help, self.message) = (help.to_owned(), wrong.to_owned());
        }
        let room = MAX_TEXT_BYTES.saturating_sub(self.help.len() + why.len());
        self.message.truncate(self.message.floor_char_boundary(room));
        self.message.push_str(why);
        self.outcome = Outcome::ClosedRoute;
    }

    /// Says which endpoint it is about.
    #[must_use]
    pub(crate) fn endpoint(mut self, endpoint: Option<BadEndpoint>) -> Self {
        self.endpoint = endpoint.map(Box::new);
        self
    }

    /// Says that something else than the usual was done.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// `error GW0201 Ingress shop/front spec.rules[0].host: …; help (path left out)`, on one line.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, self.code)?;
        if let Some(object) = &self.object {
            write!(f, " {object}")?;
        }
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        write!(f, " ({})", self.outcome)
    }
}

/// What an instruction begins with.
const VERBS: &[&str] = &[
    "add", "ask", "begin", "change", "check", "create", "cut", "delete", "drop", "give", "grant", "increase", "keep", "leave", "let",
    "list", "look", "lower", "make", "mend", "move", "name", "put", "raise", "remove", "rename", "renew", "see", "set", "shorten", "start",
    "switch", "take", "turn", "unset", "upgrade", "use", "wait", "write",
];

/// Whether a message says what would do, behind its last semicolon.
pub(crate) fn tells_what_would_do(message: &str) -> bool {
    message.rsplit_once("; ").is_some_and(|(_, help)| is_instruction(help))
}

/// Whether a text tells people what to do: it begins with a verb for that, or names what may be meant.
fn is_instruction(text: &str) -> bool {
    let first = text.split([' ', ',']).next().unwrap_or_default();
    VERBS.contains(&first) || text.ends_with(" may be meant")
}

/// One line, nothing that a terminal or log reader could take for something else, bounded.
fn cut(text: String) -> String {
    let clean = text.chars().all(crate::names::is_printable);
    let mut text = if clean { text } else { text.chars().map(|c| if crate::names::is_printable(c) { c } else { '\u{fffd}' }).collect() };
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// What is known of a [`Code`].
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The code as people know it, such as `GW0203`.
    pub name: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// What is usually done instead.
    pub outcome: Outcome,
    /// What it means: one sentence, with a full stop.
    pub sentence: &'static str,
}

macro_rules! codes {
    ($($variant:ident $code:literal $severity:ident $outcome:ident $doc:literal,)*) => {
        /// What kind of mistake it is. The code is stable; people search and silence by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $doc] $variant,)* }

        /// Every code there is, in order.
        pub const CODES: &[Code] = &[$(Code::$variant,)*];

        impl Code {
            /// What holds for every finding of this kind, unless it says otherwise.
            #[must_use]
            pub const fn facts(self) -> Facts {
                match self {
                    $(Self::$variant =>
                        Facts { name: $code, severity: Severity::$severity, outcome: Outcome::$outcome, sentence: $doc },)*
                }
            }
        }
    };
}

codes! {
    // input
    BadDocument "GW0001" Error SkippedObject "A document of the input cannot be read.",
    BadObject "GW0002" Error SkippedObject "A field of an object has the wrong type, or its name is not valid.",
    DuplicateObject "GW0003" Warning SkippedObject "Two documents of the input describe the same object; the later one is used.",
    OldApiVersion "GW0004" Warning Served "No supported API server serves the API version any more; it is read all the same.",
    TooLarge "GW0005" Error SkippedObject "A document or value is too large to be read.",
    Forbidden "GW0006" Warning SkippedObject "The API server does not let the controller read this.",
    UnservedKind "GW0007" Note SkippedObject "An object of a kind that is not read.",
    DuplicateKey "GW0008" Warning Served "A key stands twice in the same mapping; the later value is used, and an Ingress that has one is left out.",
    NothingFound "GW0009" Note Served "The input holds no object that is read.",
    UnrenderedTemplate "GW0010" Note SkippedObject "A file is a Helm template, which is no manifest until it is rendered.",
    NotFollowed "GW0011" Note SkippedObject "A part of the input lies elsewhere, and is not read.",
    UnlikeKubectl "GW0012" Warning SkippedObject "kubectl reads a file of a folder that is not read here, or the other way round, because of its name.",
    Kustomization "GW0013" Note SkippedObject "A kustomization builds manifests from the files beside it, and is not read.",
    // class and scope
    NoClassInInput "GW0101" Note Served "The input has no IngressClass, so every Ingress in it is served.",
    CatchAllDisabled "GW0102" Error SkippedObject "Default backends are switched off by --disable-catch-all.",
    RefusedText "GW0103" Error SkippedObject "The Ingress holds text that is typical of attempts to inject configuration.",
    AgainstPolicy "GW0104" Error SkippedPath "A policy of the operator does not allow this.",
    UnknownParameters "GW0105" Warning Served "The parameters of an IngressClass are of a kind, or have a name, that cannot be used.",
    NoParameters "GW0106" Warning Served "The parameters of an IngressClass do not exist.",
    UnusedParameters "GW0107" Note SkippedObject "No IngressClass that is served names the GatewrightParameters.",
    // hosts, paths
    BadHost "GW0201" Error SkippedHost "A host is not a DNS name or wildcard.",
    BadPath "GW0202" Error SkippedPath "A path cannot be served as it is written.",
    DuplicatePath "GW0203" Warning SkippedPath "Host and path are already served by an Ingress that comes first or an earlier rule.",
    SharedHost "GW0204" Warning Served "A host is shared with an Ingress of another namespace that had it first.",
    BadPathType "GW0205" Error SkippedPath "The pathType is not one of Exact, Prefix and ImplementationSpecific.",
    ServesUnknownHosts "GW0206" Note Served "A rule without a host answers for every host that has no rule of its own.",
    DuplicateDefaultBackend "GW0207" Warning SkippedPath "Another Ingress is already the default backend.",
    EmptyIngress "GW0208" Warning SkippedObject "The Ingress has neither rules nor a default backend.",
    IgnoredAlias "GW0209" Warning Served "An alias is a host, or an alias of another host, already.",
    UnusedCanary "GW0210" Warning SkippedPath "A canary is not used: it has no Ingress that it is the canary of, or another one comes first.",
    BecomesRegex "GW0211" Note Served "Another Ingress of the host makes its paths regular expressions, which match more requests.",
    UnusedDefaultBackend "GW0212" Warning SkippedPath "A default backend does not answer for a host of its Ingress.",
    SlowPath "GW0213" Note Served "The regular expression of a path may take so long to match that its steps are limited.",
    // backends
    ResourceBackend "GW0301" Error SkippedPath "Resource backends are not supported.",
    BadBackend "GW0302" Error SkippedPath "A backend names no Service or no port.",
    NoService "GW0303" Error ClosedRoute "The Service does not exist.",
    NoPort "GW0304" Error ClosedRoute "The Service has no such port.",
    NoEndpoints "GW0305" Warning ClosedRoute "The Service has no ready endpoints.",
    RefusedExternalName "GW0306" Error ClosedRoute "The ExternalName of a Service leads to an address that is not allowed.",
    UnresolvedExternalName "GW0307" Error ClosedRoute "The ExternalName of a Service does not resolve.",
    RefusedEndpoint "GW0308" Error ClosedRoute "An endpoint has an address that is not allowed.",
    UnresolvedServer "GW0309" Error ClosedRoute "The host of a server that an annotation names does not resolve.",
    RefusedServer "GW0310" Error ClosedRoute "A server that an annotation names may not be sent requests.",
    UnusedEndpoints "GW0311" Warning SkippedEntry "Endpoints get no requests: they name no Service or none of its ports, or are no addresses.",
    // TLS
    BadSecretName "GW0401" Error DefaultCertificate "A secretName is not the name of a Secret.",
    NoSecret "GW0402" Error DefaultCertificate "The Secret of a TLS section does not exist.",
    BadCertificate "GW0403" Error DefaultCertificate "The Secret of a TLS section does not hold a usable key pair.",
    UncoveredHost "GW0404" Warning DefaultCertificate "The certificate does not cover the host.",
    ExpiredCertificate "GW0405" Warning Served "The certificate is expired, will be within ten days, or is not valid yet.",
    ShadowedCertificate "GW0406" Warning DefaultCertificate "An Ingress that comes first already decided the certificate of the host.",
    UncheckedKey "GW0407" Note Served "The key of a certificate is of a kind that only the proxy can check.",
    UnusedTlsHost "GW0408" Note Served "A TLS section names a host that no rule has.",
    // annotations, settings
    BadAnnotation "GW0501" Error KeptDefault "The value of an annotation cannot be used.",
    UnsupportedAnnotation "GW0502" Error KeptDefault "The annotation is known, but not supported.",
    UnsupportedProtection "GW0503" Error ClosedRoute "The annotation asks for a protection that is not supported.",
    RefusedAnnotation "GW0504" Error SkippedObject "The annotation is not allowed here.",
    AnnotationNote "GW0505" Warning Served "An annotation is used, and does less than it seems to.",
    UnknownAnnotation "GW0506" Warning Served "No annotation of this name is known, so it does nothing.",
    MissingSecret "GW0507" Error ClosedRoute "An annotation or a setting names a Secret that does not exist.",
    MissingConfigMap "GW0508" Error ClosedRoute "An annotation, a setting or a flag names a ConfigMap that does not exist or cannot be read.",
    BadSetting "GW0601" Error KeptDefault "The value of a ConfigMap key cannot be used.",
    UnsupportedSetting "GW0602" Warning KeptDefault "The ConfigMap key is known, but has no effect here.",
    UnknownSetting "GW0603" Warning KeptDefault "The ConfigMap key is not known.",
    // the proxy
    RefusedByProxy "GW0701" Error Quarantined "The proxy refused the configuration made from this object.",
    LacksFeature "GW0702" Warning KeptDefault "The proxy in use cannot do this.",
    // files as they are written; `lint` says all of these, others the first and the fourth
    UnknownField "GW0801" Warning Served "The API does not know the field: kubectl refuses it, other clients drop it.",
    RefusedByApi "GW0802" Error Served "The API server would not take the object as it is written.",
    UnquotedText "GW0803" Error Served "kubectl, which reads YAML 1.1, takes a value without quotes for something else than it seems: a boolean, a number, an octal number.",
    NeverReached "GW0804" Warning NeverReached "No request can ever reach the route.",
    OtherClass "GW0805" Note SkippedObject "The Ingress is of a class, or in a namespace, that is not served here.",
}

impl Code {
    /// An object that something names is not there.
    #[must_use]
    pub const fn of_missing(kind: Kind) -> Self {
        match kind {
            Kind::Secret => Self::MissingSecret,
            Kind::Service => Self::NoService,
            _ => Self::MissingConfigMap,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.facts().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ObjectName;

    #[test]
    fn only_an_instruction_tells_what_would_do() {
        let of = |message: &str, help: &str| Diagnostic::of_input(Code::BadPath, message).help(help).tells_what_would_do();
        assert!(of("a", "use b") && of("a; write b", "") && of("a", "shop/front may be meant") && of("a; at most 5; add, or remove b", ""));
        for (message, help) in
            [("a", ""), ("a; b is not c", ""), ("use b", ""), ("a; use b; at most 5 are possible", ""), ("a; use b", "it is")]
        {
            assert!(!of(message, help), "{message}; {help}");
        }
        let mut closed = Diagnostic::of_input(Code::BadPath, "a; use b");
        closed.close("; it answers 503");
        assert_eq!((closed.message.as_str(), closed.help.as_str()), ("a; it answers 503", "use b"));
    }

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<_> = CODES.iter().map(|c| c.facts().name).collect();
        assert!(codes.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn texts_are_one_bounded_line() {
        let object = ObjectRef::new(Kind::Ingress, ObjectName::new("a", "b").unwrap());
        let d = Diagnostic::new(Code::BadPath, object, "spec", "x\n".repeat(1000)).help("y".repeat(5000));
        assert!(d.message.len() + d.help.len() <= MAX_TEXT_BYTES && !d.message.contains('\n'));
    }
}
