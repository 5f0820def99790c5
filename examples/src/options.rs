//! The command line of the examples: `--name value` or `--name=value`, nothing else.

use std::time::Duration;

/// What the command line said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--addr HOST:PORT`: where to listen; port 0 lets the system choose.
    pub addr: String,
    /// `--workers N`: worker threads; all cores unless given.
    pub workers: Option<usize>,
    /// `--grace SECONDS`: how long a shutdown lets what is in flight finish; 10 s unless given.
    pub grace: Duration,
    /// `--upstream HOST:PORT`: where the proxy connects to.
    pub upstream: Option<String>,
}

/// What is wrong with the command line, in one line; or that it asked for help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// `--help` was given.
    Help,
    /// The line to show.
    Wrong(String),
}

impl Options {
    /// Reads the arguments that follow the program's name. `accepts_upstream` says whether this
    /// program has an upstream, and needs it then.
    ///
    /// # Errors
    ///
    /// [`Refusal`], for what is unknown, missing, or out of range.
    pub fn parse(
        mut args: impl Iterator<Item = String>,
        default_addr: &str,
        accepts_upstream: bool,
    ) -> Result<Self, Refusal> {
        let mut options = Self {
            addr: default_addr.to_owned(),
            workers: None,
            grace: Duration::from_secs(10),
            upstream: None,
        };
        while let Some(arg) = args.next() {
            if arg == "--help" || arg == "-h" {
                return Err(Refusal::Help);
            }
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            let known = match name.as_str() {
                "--addr" | "--workers" | "--grace" => true,
                "--upstream" => accepts_upstream,
                _ => false,
            };
            if !known {
                return Err(Refusal::Wrong(format!("unknown argument '{name}'")));
            }
            let Some(value) = value.or_else(|| args.next()) else {
                return Err(Refusal::Wrong(format!("{name} needs a value")));
            };
            options.set(&name, value)?;
        }
        if accepts_upstream && options.upstream.is_none() {
            return Err(Refusal::Wrong("--upstream HOST:PORT is missing".to_owned()));
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        match name {
            "--workers" => self.workers = Some(number(name, &value, 1, 1024)?),
            "--grace" => {
                let secs = number(name, &value, 0, 86_400)?;
                self.grace = Duration::from_secs(secs as u64);
            }
            _ if !is_host_and_port(&value) => {
                return Err(Refusal::Wrong(format!(
                    "{name} wants HOST:PORT, not '{value}'"
                )));
            }
            "--upstream" => self.upstream = Some(value),
            _ => self.addr = value,
        }
        Ok(())
    }
}

fn number(name: &str, value: &str, min: usize, max: usize) -> Result<usize, Refusal> {
    match value.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Refusal::Wrong(format!(
            "{name} wants a whole number from {min} to {max}, not '{value}'"
        ))),
    }
}

fn is_host_and_port(value: &str) -> bool {
    value
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], upstream: bool) -> Result<Options, Refusal> {
        Options::parse(
            args.iter().map(|arg| arg.to_string()),
            "127.0.0.1:80",
            upstream,
        )
    }

    fn wrong(args: &[&str]) -> String {
        match parse(args, false) {
            Err(Refusal::Wrong(line)) => line,
            other => panic!("{args:?} gave {other:?}"),
        }
    }

    #[test]
    fn both_ways_to_write_a_value_are_read() {
        let options = parse(&["--addr", "[::1]:0", "--workers=3", "--grace", "0"], false);
        let options = options.expect("all are good");
        assert_eq!(
            (options.addr.as_str(), options.workers),
            ("[::1]:0", Some(3))
        );
        assert_eq!(options.grace, Duration::ZERO);
    }

    #[test]
    fn every_refusal_names_the_argument() {
        assert!(wrong(&["--workers", "0"]).contains("from 1 to 1024, not '0'"));
        assert!(wrong(&["--workers"]).contains("--workers needs a value"));
        assert!(wrong(&["--addr", "80"]).contains("HOST:PORT, not '80'"));
        assert!(wrong(&["--addr", "a:65536"]).contains("'a:65536'"));
        assert!(wrong(&["--upstream", "a:1"]).contains("unknown argument '--upstream'"));
        assert!(wrong(&["serve"]).contains("unknown argument 'serve'"));
        assert_eq!(parse(&["-h"], false), Err(Refusal::Help));
    }

    #[test]
    fn a_proxy_needs_its_upstream() {
        assert!(parse(&[], true).is_err());
        let options = parse(&["--upstream", "db:5432"], true).expect("all that it needs");
        assert_eq!(options.upstream.as_deref(), Some("db:5432"));
    }
}
