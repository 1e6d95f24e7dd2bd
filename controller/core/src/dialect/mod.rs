//! All that is special about one proxy, as data: how it is started, checked and told to reload, how text is printed
//! for it, and what it cannot do.

use std::path::Path;

/// One kind of proxy. Everything outside `dialect/` and `templates/` that has to differ between proxies asks this.
#[derive(Debug)]
pub struct Dialect {
    /// `nginx`; the value of `--proxy`, and the folder of the templates.
    pub name: &'static str,
    /// Program that is looked up in `PATH` unless one is given.
    pub program: &'static str,
    /// Relative path of the file that the proxy is started with, such as `nginx.conf`.
    pub main_file: &'static str,
    /// Arguments that make the program print its version.
    pub version_args: &'static [&'static str],
    /// Finds the version in what the program then prints (standard output and error together).
    pub version: fn(&str) -> Option<Version>,
    /// Arguments that start the program in the foreground.
    pub start_args: fn(&Launch<'_>) -> Vec<String>,
    /// Arguments that check a candidate's main file.
    pub check_args: fn(&Launch<'_>) -> Vec<String>,
    /// Makes the running proxy take new files.
    pub reload: Signal,
    /// Makes it stop once the requests in flight are answered.
    pub drain: Signal,
    /// Finds the reason in what a check printed.
    pub refusal: fn(&str) -> Refusal,
}

/// Where a proxy runs; what goes on its command line because it must not be in its files.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The main file, absolute; behind the `current` link for a running proxy, inside a revision's folder for a check.
    pub main_file: &'a Path,
    /// Folder of its own that the proxy may write to: temporary files, and the base of relative paths of that kind.
    pub run_dir: &'a Path,
    /// Where it writes its process id.
    pub pid_file: &'a Path,
    /// User of the workers, when the program is started by root.
    pub worker_user: Option<&'a str>,
}

/// What a signal is for is up to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// Version of a proxy, such as 1.22.1. Compares as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16, pub u16, pub u16);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a proxy refused a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The proxy's own words: one line, at most 500 bytes.
    pub message: String,
    /// File and line that it names, if it does.
    pub at: Option<(String, u32)>,
}
