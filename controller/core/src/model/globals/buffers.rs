//! Buffers of headers and bodies.

/// Buffers of headers and bodies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Buffers {
    /// First buffer of a request's headers, in bytes.
    pub client_header_bytes: u64,
    /// Number of buffers for long header lines.
    pub large_client_headers: u64,
    /// Size of each, in bytes.
    pub large_client_header_bytes: u64,
    /// Part of a request body kept in memory, in bytes.
    pub client_body_bytes: u64,
    /// Buffer of the first part of an upstream's answer, and of each further one, in bytes.
    pub upstream_bytes: u64,
    /// How many further buffers a response may have.
    pub upstream_buffers: u64,
    /// Answers are read as fast as they come, ahead of the client.
    pub buffer_responses: bool,
    /// Request bodies are read completely before they are sent on.
    pub buffer_requests: bool,
    /// Part of the buffers that may be on its way to the client while the rest is still read, in bytes; `None`: two buffers.
    pub busy_upstream_bytes: Option<u64>,
    /// Part of an answer that is kept on disk when the buffers are full, in bytes; 0: none.
    pub temp_file_bytes: u64,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            client_header_bytes: 1 << 10,
            large_client_headers: 4,
            large_client_header_bytes: 8 << 10,
            client_body_bytes: 8 << 10,
            upstream_bytes: 4 << 10,
            upstream_buffers: 4,
            buffer_responses: false,
            buffer_requests: true,
            busy_upstream_bytes: None,
            temp_file_bytes: 1024 << 20,
        }
    }
}
