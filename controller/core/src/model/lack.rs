//! What a proxy cannot do, as its dialect says it and translation tells it.

/// An annotation that the proxy in use cannot do justice to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lack {
    /// Name of the annotation, without the prefix.
    pub key: &'static str,
    /// Values that ask for nothing the proxy cannot do.
    pub fine: &'static [&'static str],
    /// What is done about it.
    pub way: LackingWay,
    /// What happens instead, as the end of a sentence: `HAProxy always speaks HTTP/1.1`.
    pub effect: &'static str,
}

/// What is done about a wish that the proxy cannot grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LackingWay {
    /// It is said on the object; the routes are served without.
    Told,
    /// The routes answer 503: it is a protection.
    Closes,
}
