//! Lua between directives of nginx: where a block of it ends is for Lua to say.

/// A text without the directives that run code of these names, whether it is in a block, a file or a word; `None`: one has no
/// end.
pub(super) fn without_code(text: &str, names: &[&str]) -> Option<String> {
    let (mut kept, mut rest, mut begins) = (String::new(), text, true);
    while let Some(c) = rest.chars().next() {
        if begins && let Some(behind) = names.iter().find_map(|name| rest.strip_prefix(name)) {
            rest = match behind.strip_prefix("_block") {
                Some(block) => behind_block(block.trim_start().strip_prefix('{')?)?,
                None => behind_statement(behind.strip_prefix("_file").unwrap_or(behind))?,
            };
            continue;
        }
        let length = match c {
            '#' if begins || kept.ends_with(char::is_whitespace) => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, c)?,
            _ => c.len_utf8(),
        };
        // A comment and space lead to the beginning of a directive as well as nothing does.
        begins = matches!(c, ';' | '{' | '}') || (begins && (c.is_whitespace() || c == '#'));
        kept.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Some(kept)
}

/// The length of what stands in quotes, with them; `None`: they are not closed.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What stands behind the semicolon of a directive whose name is already read.
fn behind_statement(words: &str) -> Option<&str> {
    let mut rest = words.strip_prefix(char::is_whitespace)?;
    loop {
        let c = rest.chars().next()?;
        let length = match c {
            ';' => return Some(&rest[1..]),
            '{' | '}' => return None,
            '"' | '\'' => quoted(rest, c)?,
            _ => c.len_utf8(),
        };
        rest = &rest[length..];
    }
}

/// What stands behind the brace that closes a block whose first one is already read.
fn behind_block(code: &str) -> Option<&str> {
    let (mut rest, mut depth) = (code, 1_usize);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '-' if rest.starts_with("--") => match long_bracket(&rest[2..]) {
                Some(end) => 2 + end?,
                None => rest.find('\n').unwrap_or(rest.len()),
            },
            '[' => long_bracket(rest).unwrap_or(Some(1))?,
            '"' | '\'' => quoted(rest, c)?,
            _ => c.len_utf8(),
        };
        rest = &rest[length..];
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(rest),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The length of a text such as `[==[…]==]`; `Some(None)`: it has no end.
fn long_bracket(text: &str) -> Option<Option<usize>> {
    let inner = text.strip_prefix('[')?;
    let level = inner.len() - inner.trim_start_matches('=').len();
    inner[level..].strip_prefix('[')?;
    let close = format!("]{}]", "=".repeat(level));
    Some(text.find(&close).map(|at| at + close.len()))
}
