//! What the proxy writes to its standard output, where it could not open that anew.
//!
//! nginx opens `/dev/stdout` by that name for its access log. The system refuses that of a socket, which services of systemd
//! have, and of a pipe of another user. The proxy then gets a pipe of this process, which copies on what comes out of it.
//! When this process ends before the proxy, the access log stops, requests go on (nginx ignores SIGPIPE), and whoever takes
//! the proxy over copies on.

use gatewright_core::dialect::Dialect;
use nix::libc::{O_NOCTTY, O_NONBLOCK};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::process::Stdio;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What the proxy wrote last is copied on for so long after its end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// So much is copied at once, in bytes; as much as a pipe holds.
const CHUNK: usize = 64 << 10;

/// Copies what a proxy writes, until every process that may write it has ended; dropping this changes nothing of it.
#[derive(Debug)]
pub(super) struct Copying(oneshot::Receiver<()>);

impl Copying {
    /// A pipe for a proxy to write to; `None`: it can write where this process does.
    ///
    /// # Errors
    /// When the system gives no pipe or no thread.
    pub(super) fn for_proxy(dialect: &Dialect) -> io::Result<Option<(Self, Stdio)>> {
        if !dialect.opens_stdout {
            return Ok(None);
        }
        // It neither waits for a reader nor becomes the terminal of this process.
        let opened = File::options().append(true).custom_flags(O_NONBLOCK | O_NOCTTY).open("/dev/stdout");
        let Err(reason) = opened else { return Ok(None) };
        let (reader, writer) = io::pipe()?;
        if reason.kind() == io::ErrorKind::NotFound {
            tracing::error!("there is no /dev/stdout, which the proxy opens for its access log; mount /dev, or have it log to syslog");
        } else {
            tracing::info!(%reason, "the proxy cannot open the standard output itself; its access log is copied there");
        }
        Ok(Some((Self::of(reader, io::stdout().as_fd().try_clone_to_owned()?.into())?, writer.into())))
    }

    /// The same for a proxy that got a pipe from a process that is gone; `None`: it cannot be had, and the log has stopped.
    pub(super) fn of_running(pid: i32) -> Option<Self> {
        let path = format!("/proc/{pid}/fd/1");
        let begun = std::fs::metadata(&path).and_then(|found| {
            if !found.file_type().is_fifo() {
                return Err(io::Error::other("it is no pipe any more"));
            }
            let reader = File::options().read(true).custom_flags(O_NONBLOCK).open(&path)?;
            nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()))?;
            Self::of(reader, io::stdout().as_fd().try_clone_to_owned()?.into())
        });
        begun.inspect_err(|error| tracing::warn!(%error, pid, "the access log of the proxy is lost until it is started anew")).ok()
    }

    fn of(from: impl Read + Send + 'static, to: File) -> io::Result<Self> {
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name("proxy-output".to_owned()).spawn(move || {
            copy_lines(from, to);
            let _ = done.send(());
        })?;
        Ok(Self(ended))
    }

    /// Waits for the last lines of a proxy that has ended.
    pub(super) async fn finish(self) {
        let _ = timeout(LAST_LINES, self.0).await;
    }
}

/// Copies whole lines, so that others that write there do so between two of them. What cannot be written is lost: the proxy would
/// wait for a pipe that nobody empties.
fn copy_lines(mut from: impl Read, mut to: impl Write) {
    let mut kept = Vec::with_capacity(2 * CHUNK);
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => {
                let Some(chunk) = chunk.get(..length) else { break };
                kept.extend_from_slice(chunk);
                let end = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                let end = if kept.len() >= CHUNK { kept.len() } else { end };
                let _ = to.write_all(&kept[..end]);
                kept.drain(..end);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.write_all(&kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    /// Gives a text in these parts.
    struct Parts(VecDeque<&'static str>);

    impl Read for Parts {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(part) = self.0.pop_front() else { return Ok(0) };
            into[..part.len()].copy_from_slice(part.as_bytes());
            Ok(part.len())
        }
    }

    /// Keeps each thing that is written; refuses those that begin with `no`.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            if text.starts_with("no") {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.lock().unwrap().push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_copied_whole_and_go_on_after_some_that_cannot_be_written() {
        let writes = Writes::default();
        copy_lines(Parts(["a\nb", "b\n", "no\n", "c", "c", "c\nd"].into()), writes.clone());
        assert_eq!(*writes.0.lock().unwrap(), ["a\n", "bb\n", "ccc\n", "d"]);
    }

    #[tokio::test]
    async fn what_a_process_writes_to_a_pipe_that_lost_its_reader_is_copied_again() {
        let (reader, writer) = io::pipe().unwrap();
        let mut child = std::process::Command::new("cat").stdin(Stdio::piped()).stdout(writer).spawn().unwrap();
        drop(reader);
        let pid = child.id().cast_signed();
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let again = File::options().read(true).open(format!("/proc/{pid}/fd/1")).unwrap();
        let copying = Copying::of(again, File::create(&log).unwrap()).unwrap();
        child.stdin.take().unwrap().write_all(b"a line\n").unwrap();
        child.wait().unwrap();
        copying.finish().await;
        assert_eq!(std::fs::read_to_string(log).unwrap(), "a line\n");
    }
}
