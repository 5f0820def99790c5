//! Writes the ordinary function that runs the async one.
//!
//! After an error a function of the same name still comes out, so that the compiler reports the
//! mistake alone and not also that `main` is missing.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, ItemFn, Result};

use crate::args::{Args, Flavor, UnhandledPanic};

/// Which attribute is being expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

/// How many workers a test has unless it says otherwise.
const TEST_WORKERS: usize = 2;

/// Expands the attribute `kind` on `item`, errors included.
pub(crate) fn attribute(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let (vis, name) = (&function.vis, &function.sig.ident);
    let stub = quote!(#vis fn #name() {});
    expand(kind, args, function).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #stub)
    })
}

fn expand(kind: Kind, args: TokenStream, mut function: ItemFn) -> Result<TokenStream> {
    check(kind, &function)?;
    let args = Args::parse(args)?;

    let heist = args
        .krate
        .as_ref()
        .map_or_else(|| quote!(::heist), |path| quote!(#path));
    let default = match kind {
        Kind::Main => Flavor::MultiThread,
        Kind::Test => Flavor::CurrentThread,
    };
    let flavor = args.flavor_or(default);
    let (builder, build) = match flavor {
        Flavor::CurrentThread => (quote!(new_current_thread), quote!(build())),
        Flavor::MultiThread => (quote!(new_multi_thread), quote!(build())),
        Flavor::Local => (
            quote!(new_current_thread),
            quote!(build_local(#heist::runtime::LocalOptions::default())),
        ),
    };
    let has_default_workers = kind == Kind::Test && flavor == Flavor::MultiThread;
    let settings = settings(&args, has_default_workers.then_some(TEST_WORKERS), &heist);
    let test = (kind == Kind::Test).then(|| quote!(#[::core::prelude::v1::test]));

    function.sig.asyncness = None;
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = &function;
    // A body of the wrong type is reported where its value stands.
    let value = block
        .stmts
        .last()
        .map_or_else(|| block.span(), |last| last.span());
    let run = quote_spanned! {value=>
        #heist::runtime::Builder::#builder()
            #settings
            .enable_all()
            .#build
            .expect("failed to build the runtime")
            .block_on(__heist_body)
    };
    Ok(quote! {
        #test
        #(#attrs)*
        #vis #sig {
            let __heist_body = async #block;
            #run
        }
    })
}

/// The calls that tell the builder what the arguments say.
fn settings(args: &Args, default_workers: Option<usize>, heist: &TokenStream) -> TokenStream {
    let workers = args.worker_threads.or(default_workers);
    let workers = workers.map(|count| quote!(.worker_threads(#count)));
    let start_paused = args.start_paused.map(|value| quote!(.start_paused(#value)));
    let unhandled_panic = args.unhandled_panic.map(|behavior| {
        let behavior = match behavior {
            UnhandledPanic::Ignore => quote!(Ignore),
            UnhandledPanic::ShutdownRuntime => quote!(ShutdownRuntime),
        };
        quote!(.unhandled_panic(#heist::runtime::UnhandledPanic::#behavior))
    });
    let name = args.name.as_ref().map(|name| quote!(.name(#name)));
    quote!(#workers #start_paused #unhandled_panic #name)
}

/// Refuses functions that the expansion would make no sense of.
fn check(kind: Kind, function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span,
            "the `async` keyword is missing from the function declaration",
        ));
    }
    let takes_nothing = kind == Kind::Test || signature.ident == "main";
    if takes_nothing && !signature.inputs.is_empty() {
        let what = if kind == Kind::Test { "test" } else { "main" };
        return Err(Error::new_spanned(
            &signature.inputs,
            format!("the {what} function cannot accept arguments"),
        ));
    }
    if takes_nothing && !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "nobody calls this function, so it cannot be generic",
        ));
    }
    if kind == Kind::Test {
        if let Some(attr) = function
            .attrs
            .iter()
            .find(|attr| attr.path().is_ident("test"))
        {
            return Err(Error::new_spanned(
                attr,
                "second test attribute: `#[heist::test]` alone makes this a test",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
