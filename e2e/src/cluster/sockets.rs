//! What the processes of a container listen on, and whom they have called, as the kernel tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// Its own address.
    pub local: SocketAddr,
    /// Who is at the other end; nobody yet where it listens.
    pub remote: Option<SocketAddr>,
}

/// The sockets of a process and of all that it has started. One that is just ending may be missing.
pub(super) fn of_tree(root: u32) -> BTreeSet<Socket> {
    let inodes: BTreeSet<String> = tree(root).into_iter().flat_map(inodes_of).collect();
    let tables = [("TCP", "tcp"), ("TCP", "tcp6"), ("UDP", "udp"), ("UDP", "udp6")];
    let all = tables.into_iter().flat_map(|(protocol, table)| {
        let text = fs::read_to_string(format!("/proc/{root}/net/{table}")).unwrap_or_default();
        let found: Vec<_> = text.lines().skip(1).filter_map(|line| socket(protocol, line)).collect();
        found
    });
    all.filter(|(inode, _)| inodes.contains(inode)).map(|(_, socket)| socket).collect()
}

fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name, in brackets, may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        let more = children.remove(pid).unwrap_or_default();
        all.extend(more);
        at += 1;
    }
    all
}

fn inodes_of(pid: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = links.filter_map(|link| Some(fs::read_link(link.path()).ok()?.to_str()?.to_owned()));
    targets.filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

/// The inode of a line of `/proc/net`, and what it says.
fn socket(protocol: &'static str, line: &str) -> Option<(String, Socket)> {
    const ESTABLISHED: &str = "01";
    const LISTENS: [(&str, &str); 2] = [("TCP", "0A"), ("UDP", "07")];
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [local, remote] = [address(fields.get(1)?)?, address(fields.get(2)?)?];
    let state = *fields.get(3)?;
    if state != ESTABLISHED && !LISTENS.contains(&(protocol, state)) {
        return None;
    }
    let remote = (state == ESTABLISHED).then_some(remote);
    Some(((*fields.get(9)?).to_owned(), Socket { protocol, local, remote }))
}

/// `0100007F:1F90`: 32 bits at a time, each in the order of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Option<Vec<[u8; 4]>> =
        ip.as_bytes().chunks(8).map(|word| Some(u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes())).collect();
    let ip = match *words? {
        [one] => IpAddr::V4(Ipv4Addr::from(one)),
        [a, b, c, d] => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from([a, b, c, d].concat()).ok()?)).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_listens_on_is_found() {
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(bind) else { continue };
            let local = listener.local_addr().unwrap();
            let client = std::net::TcpStream::connect(local).unwrap();
            let found = of_tree(std::process::id());
            assert!(found.contains(&Socket { protocol: "TCP", local, remote: None }), "{found:?}");
            let called = Socket { protocol: "TCP", local: client.local_addr().unwrap(), remote: Some(local) };
            assert!(found.contains(&called), "{found:?}");
        }
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(of_tree(std::process::id()).contains(&Socket { protocol: "UDP", local: datagrams.local_addr().unwrap(), remote: None }));
    }
}
