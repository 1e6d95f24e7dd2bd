//! What the cluster says → what the proxy shall do, and what was wrong.
