//! The arguments of the attributes, checked one by one, each error at the argument it is about.

use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Path, Result, Token};

/// What stands in the parentheses of `#[heist::main(…)]`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) worker_threads: Option<usize>,
    pub(crate) start_paused: Option<bool>,
    pub(crate) name: Option<String>,
    pub(crate) unhandled_panic: Option<UnhandledPanic>,
    pub(crate) krate: Option<Path>,
    flavor: Option<Flavor>,
}

/// The kinds of runtimes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    CurrentThread,
    MultiThread,
    Local,
}

/// What the panic of a task does to the runtime.
#[derive(Clone, Copy)]
pub(crate) enum UnhandledPanic {
    Ignore,
    ShutdownRuntime,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut args = Self::default();
        for arg in Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens)? {
            let Meta::NameValue(pair) = &arg else {
                return Err(Error::new_spanned(
                    &arg,
                    "expected `name = value`, such as `flavor = \"current_thread\"`",
                ));
            };
            args.take(pair)?;
            let alone = match args.flavor {
                Some(Flavor::CurrentThread) => "current_thread",
                Some(Flavor::Local) => "local",
                _ => continue,
            };
            if args.worker_threads.is_some() {
                return Err(Error::new_spanned(
                    pair,
                    format!(
                        "a `{alone}` runtime has no worker threads: leave out `worker_threads`, or the flavor"
                    ),
                ));
            }
        }
        Ok(args)
    }

    /// The flavor; where none is named, `default`, unless a number of workers is.
    pub(crate) fn flavor_or(&self, default: Flavor) -> Flavor {
        let implied = self.worker_threads.as_ref().map(|_| Flavor::MultiThread);
        self.flavor.or(implied).unwrap_or(default)
    }

    fn take(&mut self, pair: &MetaNameValue) -> Result<()> {
        let name = pair.path.get_ident().map(ToString::to_string);
        let is_new = match name.as_deref() {
            Some("worker_threads") => self.worker_threads.replace(workers(&pair.value)?).is_none(),
            Some("flavor") => self.flavor.replace(flavor(&pair.value)?).is_none(),
            Some("start_paused") => self.start_paused.replace(boolean(&pair.value)?).is_none(),
            Some("name") => self.name.replace(runtime_name(&pair.value)?).is_none(),
            Some("unhandled_panic") => {
                let behavior = unhandled_panic(&pair.value)?;
                self.unhandled_panic.replace(behavior).is_none()
            }
            Some("crate") => self.krate.replace(krate(&pair.value)?).is_none(),
            _ => {
                return Err(Error::new_spanned(
                    &pair.path,
                    "unknown argument: expected `flavor`, `worker_threads`, `name`, `start_paused`, \
                     `unhandled_panic` or `crate`",
                ));
            }
        };
        if is_new {
            Ok(())
        } else {
            Err(Error::new_spanned(&pair.path, "argument given twice"))
        }
    }
}

fn workers(value: &Expr) -> Result<usize> {
    let count = match literal(value) {
        Some(Lit::Int(int)) => int.base10_parse::<usize>()?,
        _ => {
            return Err(Error::new_spanned(
                value,
                "expected an integer, such as `4`",
            ));
        }
    };
    if count == 0 {
        return Err(Error::new_spanned(
            value,
            "`worker_threads` must be at least 1",
        ));
    }
    Ok(count)
}

fn flavor(value: &Expr) -> Result<Flavor> {
    let name = string(
        value,
        "`\"multi_thread\"`, `\"current_thread\"` or `\"local\"`",
    )?;
    match name.value().as_str() {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        "local" => Ok(Flavor::Local),
        _ => Err(Error::new_spanned(
            value,
            "unknown flavor: there are `\"multi_thread\"`, `\"current_thread\"` and `\"local\"`",
        )),
    }
}

fn runtime_name(value: &Expr) -> Result<String> {
    let name = string(value, "`\"api\"`, for instance")?.value();
    if name.trim().is_empty() {
        return Err(Error::new_spanned(
            value,
            "the name of a runtime is empty: leave it out instead",
        ));
    }
    Ok(name)
}

fn unhandled_panic(value: &Expr) -> Result<UnhandledPanic> {
    let behavior = string(value, "`\"ignore\"` or `\"shutdown_runtime\"`")?;
    match behavior.value().as_str() {
        "ignore" => Ok(UnhandledPanic::Ignore),
        "shutdown_runtime" => Ok(UnhandledPanic::ShutdownRuntime),
        _ => Err(Error::new_spanned(
            value,
            "unknown behavior: there are `\"ignore\"` and `\"shutdown_runtime\"`",
        )),
    }
}

fn boolean(value: &Expr) -> Result<bool> {
    match literal(value) {
        Some(Lit::Bool(boolean)) => Ok(boolean.value),
        _ => Err(Error::new_spanned(value, "expected `true` or `false`")),
    }
}

fn krate(value: &Expr) -> Result<Path> {
    match literal(value) {
        Some(Lit::Str(path)) => path.parse_with(Path::parse_mod_style),
        _ => Err(Error::new_spanned(
            value,
            "expected a path in a string, such as `\"my_crate::heist\"`",
        )),
    }
}

fn string<'a>(value: &'a Expr, such_as: &str) -> Result<&'a LitStr> {
    match literal(value) {
        Some(Lit::Str(string)) => Ok(string),
        _ => Err(Error::new_spanned(
            value,
            format!("expected a string: {such_as}"),
        )),
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}
