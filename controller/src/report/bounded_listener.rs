//! Bounds the connections to the admin port. Anybody in the cluster may come: nobody stays who says nothing, and whoever
//! comes finds a place, so that no stranger takes the files that the controller itself needs.

use axum::serve::Listener;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// So many are connected at a time; one more takes the place of who came first.
const MOST: usize = 128;
/// Whoever neither says nor reads anything for so long goes.
const SILENCE: Duration = Duration::from_secs(60);

/// A port with a bounded number of connections.
pub(super) struct BoundedListener {
    listener: TcpListener,
    most: usize,
    silence: Duration,
    /// In the order in which they came. Who is dropped from here has to go; who has gone is closed.
    places: VecDeque<oneshot::Sender<()>>,
}

impl BoundedListener {
    /// Those of a port.
    pub(super) const fn of(listener: TcpListener) -> Self {
        Self { listener, most: MOST, silence: SILENCE, places: VecDeque::new() }
    }

    fn place(&mut self, stream: TcpStream) -> BoundedStream {
        self.places.retain(|place| !place.is_closed());
        if self.places.len() >= self.most {
            self.places.pop_front();
        }
        let (place, leave) = oneshot::channel();
        self.places.push_back(place);
        BoundedStream { stream, leave, silence: self.silence, end: Box::pin(sleep(self.silence)), is_over: false }
    }
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BoundedStream, SocketAddr) {
        // It waits where the system gives no more of them.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (self.place(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection.
pub(super) struct BoundedStream {
    stream: TcpStream,
    leave: oneshot::Receiver<()>,
    silence: Duration,
    end: Pin<Box<Sleep>>,
    is_over: bool,
}

impl BoundedStream {
    /// What the stream says; where it says nothing, whether its time is over.
    fn bounded<T>(&mut self, said: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if said.is_ready() && !self.is_over {
            self.end.as_mut().reset(Instant::now() + self.silence);
            return said;
        }
        self.is_over = self.is_over || pin!(&mut self.leave).poll(context).is_ready() || self.end.as_mut().poll(context).is_ready();
        if self.is_over { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.bounded(said, context)
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let said = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(said, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(30);

    /// A port with so many places.
    async fn serve(most: usize, silence: Duration) -> SocketAddr {
        serve_with(most, silence, Router::new()).await
    }

    /// The same, with more to ask for.
    async fn serve_with(most: usize, silence: Duration, router: Router) -> SocketAddr {
        let listener = BoundedListener { most, silence, ..BoundedListener::of(TcpListener::bind("127.0.0.1:0").await.unwrap()) };
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router.route("/", get(|| async { "here" }))).into_future());
        address
    }

    /// Says where it goes to that it has gone.
    struct Gone(mpsc::UnboundedSender<()>);

    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    async fn say(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Reads to the end, which may be a harsh one.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("it ends");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn is_answered(address: SocketAddr) -> bool {
        let mut asking = say(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        rest(&mut asking).await.ends_with("here")
    }

    #[tokio::test]
    async fn who_comes_finds_a_place_and_who_came_first_leaves_it() {
        let address = serve(3, LONG * 2).await;
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(say(address, "GET / HT").await);
        }
        assert!(is_answered(address).await, "however many say half of something");
        for (n, stream) in held.iter_mut().take(5).enumerate() {
            assert_eq!(rest(stream).await, "", "{n} had to go");
        }
        let mut last = held.pop().unwrap();
        last.write_all(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        assert!(rest(&mut last).await.ends_with("here"), "the last ones had not");
    }

    #[tokio::test]
    async fn who_says_or_reads_nothing_goes() {
        let (gone, mut has_gone) = mpsc::unbounded_channel();
        let endless = move || {
            let gone = Gone(gone.clone());
            let more = futures::stream::repeat_with(move || {
                let _ = &gone;
                io::Result::Ok(vec![b'x'; 1 << 16])
            });
            std::future::ready(Body::from_stream(more))
        };
        let address = serve_with(3, Duration::from_millis(200), Router::new().route("/endless", get(endless))).await;
        for text in ["", "GET / HTTP/1.1\r\nHo", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut silent = say(address, text).await;
            assert_eq!(rest(&mut silent).await.contains("200 OK"), text.ends_with("\r\n\r\n"), "{text:?}");
        }
        let deaf = say(address, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
        timeout(LONG, has_gone.recv()).await.expect("who does not read is not waited for");
        drop(deaf);
    }
}
