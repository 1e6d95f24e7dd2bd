//! `gatewright`.
mod args;
mod report;
mod source;
fn main() {
    match args::parse(std::env::args()) {
        Ok(c) => println!("{c:?}"),
        Err(args::Rejected::Asked(e)) => e.exit(),
        Err(args::Rejected::Mistakes(m)) => {
            for m in m {
                eprintln!("{m}");
            }
        }
    }
}
