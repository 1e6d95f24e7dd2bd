//! What a proxy cannot do, as its dialect says it and translation tells it.

/// An annotation, or a key of the main ConfigMap, that the proxy in use cannot do justice to.
#[derive(Debug, Clone, Copy)]
pub struct Lack {
    /// Name of the annotation, without the prefix, or of the key.
    pub key: &'static str,
    /// Whether [`Lack::key`] is a key of the main ConfigMap, and not an annotation.
    pub is_setting: bool,
    /// Values that ask for nothing the proxy cannot do.
    pub fine: &'static [&'static str],
    /// Whether a further value is fine, where there are too many to list.
    pub also_fine: fn(&str) -> bool,
    /// Few values ask for what the proxy cannot do; most are fine.
    pub of_some_values: bool,
    /// Names the parts of a value that the proxy cannot do; `None`: the value is not taken apart.
    pub culprits: Option<fn(&str) -> Vec<String>>,
    /// What is done about it.
    pub way: LackingWay,
    /// What happens instead, as the end of a sentence: `HAProxy always speaks HTTP/1.1`.
    pub effect: &'static str,
}

impl Lack {
    /// Whether this value asks for nothing the proxy cannot do.
    #[must_use]
    pub fn is_fine(&self, value: &str) -> bool {
        self.fine.contains(&value) || (self.also_fine)(value)
    }

    /// What it is told apart by: the functions follow from the rest.
    const fn parts(&self) -> (&'static str, bool, &'static [&'static str], LackingWay, &'static str) {
        (self.key, self.is_setting, self.fine, self.way, self.effect)
    }
}

impl PartialEq for Lack {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Lack {}

impl std::hash::Hash for Lack {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What is done about a wish that the proxy cannot grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LackingWay {
    /// It is granted but for some requests, and that is noted on the object.
    Nearly,
    /// It is said on the object; the routes are served without.
    Told,
    /// The routes answer 503: it is a protection.
    Closes,
}

/// An annotation that the proxy in use does justice to in a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Approximation {
    /// Name of the annotation, without the prefix.
    pub key: &'static str,
    /// What differs, as the end of a sentence.
    pub how: &'static str,
    /// Who asks what differs is told so on each object. Otherwise something else tells it, or it hardly ever shows.
    pub is_told: bool,
    /// Values for which nothing differs; one with a `*` at its end stands for all that begin so.
    pub fine: &'static [&'static str],
}

impl Approximation {
    /// An approximation that is documented, and not reported on objects.
    #[must_use]
    pub const fn new(key: &'static str, how: &'static str) -> Self {
        Self { key, how, is_told: false, fine: &[] }
    }

    /// An approximation that is reported on objects, but for the values in `fine`.
    #[must_use]
    pub const fn told(key: &'static str, how: &'static str, fine: &'static [&'static str]) -> Self {
        Self { key, how, is_told: true, fine }
    }

    /// Whether an object with this value is told.
    #[must_use]
    pub fn concerns(&self, value: &str) -> bool {
        let is_fine = |fine: &&str| fine.strip_suffix('*').map_or(*fine == value, |begin| value.starts_with(begin));
        self.is_told && !self.fine.iter().any(is_fine)
    }
}
