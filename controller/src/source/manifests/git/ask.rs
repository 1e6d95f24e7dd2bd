//! Questions to the git program, and its answers.

use crate::source::manifests::read::MAX_FILE_BYTES;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Command, Stdio};

/// What git says of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A file; no bytes, where they were not asked for.
    File {
        /// Of the content.
        hash: String,
        /// The content, or the beginning of one that is too large.
        bytes: Vec<u8>,
    },
    /// A folder, by its hash.
    Folder(String),
    /// A link that leads out of the revision.
    Outside,
    /// Nothing is there, or something else.
    Nothing,
}

/// Asks for many contents at once. Links are followed inside of the revision.
pub(super) fn contents(questions: &[Vec<u8>]) -> io::Result<Vec<Answer>> {
    ask("--batch", questions)
}

/// Asks what many names stand for. Links are followed inside of the revision.
pub(super) fn kinds(questions: &[Vec<u8>]) -> io::Result<Vec<Answer>> {
    ask("--batch-check", questions)
}

fn ask(how: &str, questions: &[Vec<u8>]) -> io::Result<Vec<Answer>> {
    let mut command = git(&["cat-file", how, "--follow-symlinks"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let answers = std::thread::scope(|scope| {
        // Questions and answers overlap, so that neither pipe fills up. A git that has gone shows in its answers.
        scope.spawn(move || {
            let mut stdin = BufWriter::new(stdin);
            let _ = questions.iter().try_for_each(|question| stdin.write_all(question).and_then(|()| stdin.write_all(b"\n")));
        });
        let mut stdout = BufReader::new(stdout);
        questions.iter().map(|_| answer(&mut stdout, how == "--batch")).collect()
    });
    child.wait()?;
    answers
}

/// Reads `hash kind size`, perhaps the content and a line end; or one of the ways of saying that there is none.
fn answer(out: &mut impl BufRead, with_content: bool) -> io::Result<Answer> {
    let mut head = Vec::new();
    if out.read_until(b'\n', &mut head)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let head = String::from_utf8_lossy(head.trim_ascii_end());
    let mut words = head.rsplitn(3, ' ');
    let (last, kind, hash) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
    let Ok(size) = last.parse::<u64>() else { return Ok(Answer::Nothing) };
    let mut bytes = Vec::new();
    // Where a link leads that leads nowhere is told in any case.
    if with_content || hash.is_none() {
        let kept = size.min(MAX_FILE_BYTES as u64 + 1);
        out.by_ref().take(kept).read_to_end(&mut bytes)?;
        io::copy(&mut out.by_ref().take(size - kept + 1), &mut io::sink())?;
    }
    Ok(match (kind, hash) {
        ("blob", Some(hash)) => Answer::File { hash: hash.to_owned(), bytes },
        ("tree", Some(hash)) => Answer::Folder(hash.to_owned()),
        ("symlink", None) => Answer::Outside,
        _ => Answer::Nothing,
    })
}

/// The program, which is asked nothing yet.
pub(super) fn git(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command
}

/// The first line of what git complains of.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_git_is_read_to_its_end() {
        let read = |text: &str, with_content| {
            let mut out = text.as_bytes();
            std::iter::from_fn(|| answer(&mut out, with_content).ok()).collect::<Vec<_>>()
        };
        let file = |hash: &str, bytes: &[u8]| Answer::File { hash: hash.to_owned(), bytes: bytes.to_vec() };
        let folder = || Answer::Folder("ee".to_owned());
        assert_eq!(
            read("aa blob 3\nx\ny\ndangling 4\nnone\ncc:dd missing\nee tree 2\nab\nsymlink 4\n../x\nbb blob 0\n\n", true),
            [file("aa", b"x\ny"), Answer::Nothing, Answer::Nothing, folder(), Answer::Outside, file("bb", b"")]
        );
        assert_eq!(
            read("aa blob 3\nloop 1\nx\nee tree 2\nsymlink 4\n../x\nbb blob 0\n", false),
            [file("aa", b""), Answer::Nothing, folder(), Answer::Outside, file("bb", b"")]
        );
    }
}
