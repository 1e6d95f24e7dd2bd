//! Several runtime commands on one connection, and their answers told apart again.
//!
//! A connection costs far more than most commands do. On one of them HAProxy answers line after line once it has been told to
//! show its prompt, which then stands between two answers. (Without, an empty line would; but not after every answer of 2.6.)
//! It goes on after a command that it refuses, so what has to see an answer first is said on another connection.

/// Most commands of a connection, so that their answers come soon.
const MOST: usize = 200;

/// The same in bytes.
const LONGEST: usize = 64 << 10;

/// Begins a line of its own.
const PROMPT: &str = "\n> ";

/// The same before each line of a command that has several, up to version 3.0.
const PROMPT_INSIDE: &str = "+ ";

/// How many of these commands, from the first on, go on one connection.
pub(super) fn joinable<'c>(commands: impl Iterator<Item = &'c str>) -> usize {
    let (mut count, mut length) = (0, 0);
    for command in commands.take(MOST) {
        length += command.len();
        if count > 0 && length > LONGEST {
            break;
        }
        count += 1;
    }
    count
}

/// What is said on a connection for these commands, which have no final line feed.
pub(super) fn joined(commands: &[String]) -> String {
    match commands {
        [only] => format!("{only}\n"),
        several => format!("prompt\n{}\nquit\n", several.join("\n")),
    }
}

/// The answers to so many commands of one connection, without the blanks around them; `None`: there are others than that.
pub(super) fn answers(said: &str, commands: usize) -> Option<Vec<&str>> {
    if commands == 1 {
        return Some(vec![said.trim()]);
    }
    let said = said.strip_prefix(PROMPT)?.strip_suffix(PROMPT)?;
    let answers: Vec<_> = said.split(PROMPT).map(|answer| answer.trim_start_matches(PROMPT_INSIDE).trim()).collect();
    (answers.len() == commands).then_some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_joined_up_to_a_bound() {
        let of = |commands: &[&str]| joinable(commands.iter().copied());
        assert_eq!((of(&[]), of(&["a"]), of(&["a", "b <<\nx\n", "c"])), (0, 1, 3));
        let (long, longest) = ("x".repeat(LONGEST - 2), "x".repeat(2 * LONGEST));
        assert_eq!(of(&[&long, "a", "b", "c", "d"]), 3);
        assert_eq!(of(&[&longest, "a"]), 1, "one that is too long is still said");
        assert_eq!(of(&vec!["a"; 3 * MOST]), MOST);
        assert_eq!(joined(&["a".to_owned()]), "a\n");
        assert_eq!(joined(&["a <<\nx\n".to_owned(), "b".to_owned()]), "prompt\na <<\nx\n\nb\nquit\n");
    }

    #[test]
    fn answers_are_told_apart_by_the_prompt() {
        let said = "\n> New server registered.\n\n> \n> + + + Transaction created!\n\n> Committing x.\nSuccess!\n\n> Server deleted.\n> ";
        let wanted = vec!["New server registered.", "", "Transaction created!", "Committing x.\nSuccess!", "Server deleted."];
        assert_eq!(answers(said, 5), Some(wanted));
        assert_eq!(answers("\n> \n> \n> ", 2), Some(vec!["", ""]));
        assert_eq!(answers("Done.\n", 1), Some(vec!["Done."]), "of one command it is all that is said");
        for said in ["", "\n> ", "\n> \n> ", "\n> \n> \n> \n> ", "\n> a\n> b", "a\n> b\n> ", "Unknown command.\n"] {
            assert_eq!(answers(said, 2), None, "{said:?}");
        }
    }
}
