//! The arguments of the attributes, checked one by one, each error at the argument it is about.

use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, MetaNameValue, Path, Result, Token};

/// What stands in the parentheses of `#[heist::main(…)]`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) worker_threads: Option<usize>,
    pub(crate) start_paused: Option<bool>,
    pub(crate) krate: Option<Path>,
    flavor: Option<Flavor>,
}

/// The kinds of runtimes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    CurrentThread,
    MultiThread,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut args = Self::default();
        for pair in Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)? {
            args.take(&pair)?;
            if args.flavor == Some(Flavor::CurrentThread) && args.worker_threads.is_some() {
                return Err(Error::new_spanned(
                    &pair,
                    "a `current_thread` runtime has no worker threads: leave out `worker_threads`, or \
                     the flavor",
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
            Some("crate") => self.krate.replace(krate(&pair.value)?).is_none(),
            _ => {
                return Err(Error::new_spanned(
                    &pair.path,
                    "unknown argument: expected `flavor`, `worker_threads`, `start_paused` or `crate`",
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
    let Some(Lit::Str(name)) = literal(value) else {
        return Err(Error::new_spanned(
            value,
            "expected a string: `\"multi_thread\"` or `\"current_thread\"`",
        ));
    };
    match name.value().as_str() {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        _ => Err(Error::new_spanned(
            value,
            "unknown flavor: there are `\"multi_thread\"` and `\"current_thread\"`",
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

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}
