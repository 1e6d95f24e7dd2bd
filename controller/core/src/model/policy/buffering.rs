//! How much of requests and answers is held.

/// Each in bytes, if it is a size; `None`: as the globals say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Buffering {
    /// Largest request body; 0: unlimited.
    pub body_limit_bytes: Option<u64>,
    /// Part of a request body that is kept in memory.
    pub client_body_bytes: Option<u64>,
    /// Request bodies are read completely before they are sent on.
    pub buffer_requests: Option<bool>,
    /// Answers are read as fast as they come, ahead of the client.
    pub buffer_responses: Option<bool>,
    /// Buffer of the headers of an answer, and of each part of its body.
    pub upstream_bytes: Option<u64>,
    /// How many of those parts.
    pub upstream_buffers: Option<u64>,
    /// Part of the buffers that may be on its way to the client.
    pub busy_upstream_bytes: Option<u64>,
    /// Part of an answer that is kept on disk; 0: none.
    pub temp_file_bytes: Option<u64>,
}

impl Buffering {
    /// This, and another wish where it says nothing.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self {
            body_limit_bytes: self.body_limit_bytes.or(under.body_limit_bytes),
            client_body_bytes: self.client_body_bytes.or(under.client_body_bytes),
            buffer_requests: self.buffer_requests.or(under.buffer_requests),
            buffer_responses: self.buffer_responses.or(under.buffer_responses),
            upstream_bytes: self.upstream_bytes.or(under.upstream_bytes),
            upstream_buffers: self.upstream_buffers.or(under.upstream_buffers),
            busy_upstream_bytes: self.busy_upstream_bytes.or(under.busy_upstream_bytes),
            temp_file_bytes: self.temp_file_bytes.or(under.temp_file_bytes),
        }
    }
}
