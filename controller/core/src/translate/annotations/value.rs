//! What may be written as the value of an annotation: `annotations` 1.1.

/// What may be written; documentation, and the character classes that texts are checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `"true"` or `"false"`.
    Bool,
    /// A whole number.
    Integer,
    /// A whole number of seconds.
    Seconds,
    /// A number of bytes, with k, m or g.
    Size,
    /// Addresses and CIDRs, separated by commas.
    Cidrs,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words.
    Words(&'static [&'static str]),
    /// A text of these characters.
    Text(Class),
    /// Such texts, separated by commas.
    List(Class),
    /// HTTP status codes, separated by commas.
    Statuses,
    /// `namespace/name` or `name` of an object of this kind, in the Ingress's own namespace.
    Object(crate::names::Kind),
    /// Something else, which the sentence of the annotation describes.
    Other(&'static str),
}

/// Classes of characters, each by the name that the reference gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Letters, digits, `- . _ ~ / :`.
    Basic,
    /// [`Class::Basic`] and `, ? & =`.
    Url,
    /// [`Class::Url`] and `$`.
    UrlWithVariables,
    /// [`Class::Basic`] and what regular expressions are made of.
    Regex,
    /// [`Class::Basic`] and `$`: a path with the groups of a regular expression.
    Path,
    /// Letters, digits, `- _ $ { }`.
    Variable,
    /// Letters, digits, `- _ ,` and the blank.
    Headers,
    /// Every printable character of ASCII; the reference has [`Class::Basic`] where this is taken.
    Printable,
}

impl Class {
    /// Whether a character belongs to the class.
    #[must_use]
    pub const fn holds(self, c: char) -> bool {
        let basic = c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/' | ':');
        match self {
            Self::Basic => basic,
            Self::Url => basic || matches!(c, ',' | '?' | '&' | '='),
            Self::UrlWithVariables => basic || matches!(c, ',' | '?' | '&' | '=' | '$'),
            Self::Regex => basic || matches!(c, '^' | '$' | '[' | ']' | '(' | ')' | '{' | '}' | '*' | '+' | '?' | '|' | '&' | '=' | '\\'),
            Self::Path => basic || c == '$',
            Self::Variable => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$' | '{' | '}'),
            Self::Headers => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ',' | ' '),
            Self::Printable => matches!(c, ' '..='~'),
        }
    }

    /// The characters, for people.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Basic => "letters, digits and -._~/:",
            Self::Url => "letters, digits and -._~/:,?&=",
            Self::UrlWithVariables => "letters, digits and -._~/:,?&=$",
            Self::Regex => "letters, digits and -._~/:^$[](){}*+?|&=\\",
            Self::Path => "letters, digits and -._~/:$",
            Self::Variable => "letters, digits and -_${}",
            Self::Headers => "letters, digits, '-', '_', commas and blanks",
            Self::Printable => "printable characters of ASCII",
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool => f.write_str("`true` or `false`"),
            Self::Integer => f.write_str("a whole number"),
            Self::Seconds => f.write_str("seconds"),
            Self::Size => f.write_str("bytes, with `k`, `m` or `g`"),
            Self::Cidrs => f.write_str("addresses and CIDRs, separated by commas"),
            Self::Word(words) => write!(f, "`{}`", words.join("`, `")),
            Self::Words(words) => write!(f, "some of `{}`", words.join("`, `")),
            Self::Text(class) => f.write_str(class.described()),
            Self::List(class) => write!(f, "a list: {}", class.described()),
            Self::Statuses => f.write_str("status codes, separated by commas"),
            Self::Object(kind) => write!(f, "a {kind} of the own namespace, as `name` or `namespace/name`"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
