//! Copies of requests for a second server. Nobody waits for them, and when there are too many at a time, some are left out.

use crate::Agent;
use crate::ask::Ask;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Room for copies in parts of this many bytes.
const PART: usize = 1 << 10;
/// Parts that there are: so many bytes may be on their way.
const PARTS: usize = 32 << 10;
/// Parts that each copy takes beside its body: so many connections may be open.
const EACH: usize = 64;

/// The room for copies.
#[derive(Debug)]
pub(crate) struct Copies(Arc<Semaphore>);

impl Default for Copies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PARTS)))
    }
}

impl Agent {
    /// Sends a copy of a request, as long as there is room for it; whatever comes back is dropped.
    pub(crate) fn copy(self: &Arc<Self>, ask: Ask) {
        let bytes = ask.request.payload.as_ref().map_or(0, Vec::len);
        let parts = u32::try_from(EACH + bytes / PART).unwrap_or(u32::MAX);
        let room = match Arc::clone(&self.copies.0).try_acquire_many_owned(parts) {
            Ok(room) if !ask.cut => room,
            _ => return tracing::debug!(host = ask.request.host, bytes, "a request is not copied"),
        };
        let agent = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = agent.pool.ask(&ask.service, &ask.request).await {
                tracing::debug!(%error, host = ask.request.host, "a copy of a request gets no answer");
            }
            drop(room);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::frames::Value;
    use crate::in_flight::InFlight;
    use crate::pool::Pool;
    use std::time::{Duration, Instant};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn copies_are_sent_while_there_is_room_and_nobody_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Arc::new(Semaphore::new(1));
        let in_flight = InFlight::default();
        let agent = Arc::new(Agent { pool: Pool::new(), cache: Cache::default(), copies: Copies::default(), places, in_flight });
        let copy = |body: &str| {
            let form = format!("to={address}&host=a&target=/&method=POST&later=1&carry=99");
            let all = [("ask", form.as_str()), ("head", "Content-Length: 3\r\n\r\n"), ("body", body)];
            Ask::read(&all.map(|(name, text)| (name.to_owned(), Value::Text(text.as_bytes().to_vec()))).into()).unwrap()
        };
        let begun = Instant::now();
        agent.copy(copy("ab"));
        (0..PARTS).for_each(|_| agent.copy(copy("abc")));
        assert!(begun.elapsed() < Duration::from_secs(20));
        let mut open = Vec::new();
        while open.len() < PARTS / EACH {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 512];
            let mut read = 0;
            while !head[..read].ends_with(b"abc") {
                read += stream.read(&mut head[read..]).await.unwrap();
            }
            assert_eq!(
                String::from_utf8_lossy(&head[..read]),
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
            );
            open.push(stream);
        }
        let more = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(more.is_err(), "there is no room for more");
        drop(open);
        let all = u32::try_from(PARTS).unwrap();
        let room = tokio::time::timeout(Duration::from_secs(10), agent.copies.0.acquire_many(all)).await;
        assert!(room.is_ok(), "what has ended makes room");
    }
}
