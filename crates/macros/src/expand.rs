//! Writes the ordinary function that runs the async one.
//!
//! After an error a function of the same name still comes out, so that the compiler reports the
//! mistake alone and not also that `main` is missing.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, ItemFn, Result};

use crate::args::{Args, Flavor};

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

    let default = match kind {
        Kind::Main => Flavor::MultiThread,
        Kind::Test => Flavor::CurrentThread,
    };
    let (builder, default_workers) = match args.flavor_or(default) {
        Flavor::CurrentThread => (quote!(new_current_thread), None),
        Flavor::MultiThread => (
            quote!(new_multi_thread),
            (kind == Kind::Test).then_some(TEST_WORKERS),
        ),
    };
    let workers = args.worker_threads.or(default_workers);
    let start_paused = args.start_paused.map(|value| quote!(.start_paused(#value)));
    let heist = args
        .krate
        .map_or_else(|| quote!(::heist), |path| quote!(#path));
    let workers = workers.map(|count| quote!(.worker_threads(#count)));
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
            #workers
            #start_paused
            .enable_all()
            .build()
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
