//! One connection of HAProxy: questions come in, answers go out, in any order.

use crate::ask::Ask;
use crate::frames::{
    ACK, AGENT_DISCONNECT, AGENT_HELLO, Frame, HAPROXY_DISCONNECT, HAPROXY_HELLO, MAX_FRAME, NOTIFY, Reader, Value, put_text, put_value,
    put_variable,
};
use crate::{Agent, broken};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Answers that wait to be written.
const BACKLOG: usize = 64;

/// Names and values of a message or a hello.
pub(crate) type Arguments = BTreeMap<String, Value>;

/// Speaks with HAProxy until one of them ends it.
///
/// # Errors
/// When what is said is not understood, or the connection breaks.
pub(crate) async fn serve(mut stream: UnixStream, agent: Arc<Agent>) -> io::Result<()> {
    // Who connects and goes only wants to know whether somebody is here.
    let Some(hello) = Frame::read(&mut stream).await? else { return Ok(()) };
    if hello.kind != HAPROXY_HELLO {
        return Err(broken("no hello"));
    }
    let said = arguments(&mut Reader(&hello.payload), usize::MAX)?;
    let size = match said.get("max-frame-size") {
        Some(Value::Number(size)) => usize::try_from(*size).unwrap_or(MAX_FRAME).min(MAX_FRAME),
        _ => return Err(broken("a hello without the size of frames")),
    };
    stream.write_all(&greeting(size)).await?;
    if said.get("healthcheck") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    serve_frames(stream, &agent, size).await
}

/// Answers questions as they come, until HAProxy says farewell.
async fn serve_frames(stream: UnixStream, agent: &Arc<Agent>, size: usize) -> io::Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let (answers, mut outbox) = mpsc::channel::<Vec<u8>>(BACKLOG);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Some(bytes) = outbox.recv().await {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    while let Some(frame) = Frame::read(&mut reader).await? {
        match frame.kind {
            NOTIFY => {
                let place = Arc::clone(&agent.places).acquire_owned().await.map_err(io::Error::other)?;
                let (agent, answers) = (Arc::clone(agent), answers.clone());
                tasks.spawn(async move {
                    let bytes = answer(&frame, &agent, size).await;
                    let _ = answers.send(bytes).await;
                    drop(place);
                });
                while tasks.try_join_next().is_some() {}
            }
            HAPROXY_DISCONNECT => {
                let _ = answers.send(disconnect()).await;
                drop(answers);
                while tasks.join_next().await.is_some() {}
                return Ok(());
            }
            _ => return Err(broken("a frame of an unknown kind")),
        }
    }
    Ok(())
}

/// The variables that are the answer to a question; none where there is no answer.
async fn answer(frame: &Frame, agent: &Arc<Agent>, size: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    match question(&frame.payload) {
        Ok(ask) if ask.later => agent.copy(ask),
        Ok(ask) => {
            for (name, value) in agent.ask(&ask).await {
                put_variable(&mut payload, &name, &value);
            }
        }
        Err(error) => tracing::warn!(%error, "a question of the proxy is not understood"),
    }
    let mut answer = Frame { kind: ACK, stream: frame.stream, number: frame.number, payload };
    let bytes = answer.bytes();
    if bytes.len() <= size {
        return bytes;
    }
    tracing::warn!(bytes = bytes.len(), limit = size, "an answer is longer than the proxy's buffers");
    answer.payload.clear();
    answer.bytes()
}

fn question(payload: &[u8]) -> io::Result<Ask> {
    let mut reader = Reader(payload);
    let _message = reader.text()?;
    let count = usize::from(reader.byte()?);
    Ask::read(&arguments(&mut reader, count)?)
}

fn arguments(reader: &mut Reader<'_>, most: usize) -> io::Result<Arguments> {
    let mut all = Arguments::new();
    for _ in 0..most {
        if reader.is_empty() {
            break;
        }
        let name = String::from_utf8_lossy(reader.text()?).into_owned();
        all.insert(name, reader.value()?);
    }
    Ok(all)
}

fn greeting(size: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in [
        ("version", Value::Text(b"2.0".to_vec())),
        ("max-frame-size", Value::Number(size as u64)),
        ("capabilities", Value::Text(b"pipelining".to_vec())),
    ] {
        put_text(&mut payload, name.as_bytes());
        put_value(&mut payload, &value);
    }
    Frame { kind: AGENT_HELLO, stream: 0, number: 0, payload }.bytes()
}

fn disconnect() -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in [("status-code", Value::Number(0)), ("message", Value::Text(b"goodbye".to_vec()))] {
        put_text(&mut payload, name.as_bytes());
        put_value(&mut payload, &value);
    }
    Frame { kind: AGENT_DISCONNECT, stream: 0, number: 0, payload }.bytes()
}
