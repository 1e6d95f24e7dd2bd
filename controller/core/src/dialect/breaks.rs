//! Control characters in words: nothing but what an answer says may hold them, and both proxies have escapes for them.

/// Each with a private-use character that stands for it until the word is printed, which no checked text holds, and the letter
/// of its escape.
const BREAKS: [(char, char, char); 3] = [('\n', '\u{e002}', 'n'), ('\r', '\u{e003}', 'r'), ('\t', '\u{e004}', 't')];

/// What stands for a control character.
pub(super) fn mark(c: char) -> Option<char> {
    BREAKS.iter().find(|(control, ..)| *control == c).map(|(_, mark, _)| *mark)
}

/// Whether a character stands for another one.
pub(super) fn is_mark(c: char) -> bool {
    BREAKS.iter().any(|(_, mark, _)| *mark == c)
}

/// The text without such characters.
pub(super) fn without(text: &str) -> String {
    text.chars().filter(|c| !is_mark(*c)).collect()
}

/// A printed word with escapes in place of such characters; `quote`: what encloses the text around them and ends before an escape.
pub(super) fn escaped(word: &str, quote: &str) -> String {
    BREAKS.iter().fold(word.to_owned(), |word, (_, mark, letter)| word.replace(*mark, &format!("{quote}\\{letter}{quote}")))
}
