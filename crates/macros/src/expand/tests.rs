//! What comes out, and where each error points.

use super::*;

fn expanded(kind: Kind, args: &str, item: &str) -> String {
    let args = args.parse().expect("tokens");
    attribute(kind, args, item.parse().expect("tokens")).to_string()
}

/// Returns the message of the one error, and the source text it points at.
fn error(kind: Kind, args: &str, item: &str) -> (String, String) {
    let function = syn::parse_str(item).expect("a function");
    let error = expand(kind, args.parse().expect("tokens"), function).expect_err("a mistake");
    let text = error.span().source_text().expect("a place in the source");
    (error.to_string(), text)
}

fn same(expansion: &str, expected: TokenStream) {
    assert_eq!(expansion, expected.to_string());
}

#[test]
fn main_becomes_a_function_that_blocks_on_its_body() {
    same(
        &expanded(Kind::Main, "", "async fn main() -> u8 { 1 }"),
        quote! {
            fn main() -> u8 {
                let __heist_body = async { 1 };
                ::heist::runtime::Builder::new_multi_thread()
                    .enable_all()
                    .build()
                    .expect("failed to build the runtime")
                    .block_on(__heist_body)
            }
        },
    );
}

#[test]
fn every_argument_reaches_the_builder() {
    same(
        &expanded(
            Kind::Main,
            r#"flavor = "multi_thread", worker_threads = 3, crate = "crate::renamed""#,
            "pub(crate) async fn start(port: u16) { serve(port).await }",
        ),
        quote! {
            pub(crate) fn start(port: u16) {
                let __heist_body = async { serve(port).await };
                crate::renamed::runtime::Builder::new_multi_thread()
                    .worker_threads(3usize)
                    .enable_all()
                    .build()
                    .expect("failed to build the runtime")
                    .block_on(__heist_body)
            }
        },
    );
}

#[test]
fn a_local_runtime_is_built_as_one() {
    same(
        &expanded(
            Kind::Main,
            r#"flavor = "local", name = "api", unhandled_panic = "shutdown_runtime", crate = "renamed""#,
            "async fn main() {}",
        ),
        quote! {
            fn main() {
                let __heist_body = async {};
                renamed::runtime::Builder::new_current_thread()
                    .unhandled_panic(renamed::runtime::UnhandledPanic::ShutdownRuntime)
                    .name("api")
                    .enable_all()
                    .build_local(renamed::runtime::LocalOptions::default())
                    .expect("failed to build the runtime")
                    .block_on(__heist_body)
            }
        },
    );
    let expansion = expanded(Kind::Test, r#"flavor = "local""#, "async fn t() {}");
    assert!(expansion.contains("build_local"), "{expansion}");
}

#[test]
fn name_and_unhandled_panic_go_with_every_flavor() {
    for flavor in ["current_thread", "multi_thread", "local"] {
        let args = format!(r#"flavor = "{flavor}", name = "n", unhandled_panic = "ignore""#);
        let expansion = expanded(Kind::Test, &args, "async fn works() {}");
        assert!(expansion.contains(". name (\"n\")"), "{expansion}");
        assert!(
            expansion.contains("UnhandledPanic :: Ignore"),
            "{expansion}"
        );
    }
}

#[test]
fn a_test_may_have_no_threads_and_a_clock_that_stands() {
    same(
        &expanded(
            Kind::Test,
            r#"flavor = "current_thread", start_paused = true"#,
            "async fn waits() {}",
        ),
        quote! {
            #[::core::prelude::v1::test]
            fn waits() {
                let __heist_body = async {};
                ::heist::runtime::Builder::new_current_thread()
                    .start_paused(true)
                    .enable_all()
                    .build()
                    .expect("failed to build the runtime")
                    .block_on(__heist_body)
            }
        },
    );
}

#[test]
fn a_test_keeps_its_attributes_and_runs_on_its_thread() {
    same(
        &expanded(Kind::Test, "", "#[should_panic] async fn fails() {}"),
        quote! {
            #[::core::prelude::v1::test]
            #[should_panic]
            fn fails() {
                let __heist_body = async {};
                ::heist::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("failed to build the runtime")
                    .block_on(__heist_body)
            }
        },
    );
}

#[test]
fn a_test_on_workers_has_two_or_as_many_as_it_says() {
    for (args, workers) in [
        (r#"flavor = "multi_thread""#, "worker_threads (2usize)"),
        ("worker_threads = 3", "worker_threads (3usize)"),
    ] {
        let expansion = expanded(Kind::Test, args, "async fn works() {}");
        assert!(expansion.contains("new_multi_thread"), "{expansion}");
        assert!(expansion.contains(workers), "{expansion}");
    }
}

#[test]
fn after_an_error_the_function_is_still_there() {
    let expansion = expanded(Kind::Main, "", "fn main() {}");
    assert!(expansion.contains("compile_error"));
    assert!(expansion.ends_with("fn main () { }"));
}

#[test]
fn errors_in_the_function_point_at_the_culprit() {
    let main = |item| error(Kind::Main, "", item);
    let (message, at) = main("fn main() {}");
    assert_eq!(
        message,
        "the `async` keyword is missing from the function declaration"
    );
    assert_eq!(at, "fn");
    let (message, at) = main("async fn main(port: u16) {}");
    assert_eq!(message, "the main function cannot accept arguments");
    assert_eq!(at, "port: u16");
    assert!(main("async fn main<T>() {}").0.contains("generic"));

    let test = |item| error(Kind::Test, "", item);
    assert_eq!(
        test("async fn t(x: u8) {}").0,
        "the test function cannot accept arguments"
    );
    let (message, at) = test("#[test] async fn t() {}");
    assert!(message.starts_with("second test attribute"));
    assert_eq!(at, "#[test]");
}

#[test]
fn errors_in_the_arguments_point_at_the_culprit() {
    let args = |args| error(Kind::Main, args, "async fn main() {}");
    let cases = [
        ("worker_threads = 0", "at least 1", "0"),
        (r#"worker_threads = "4""#, "expected an integer", r#""4""#),
        (
            r#"flavor = "current_thread", worker_threads = 2"#,
            "has no worker threads",
            "worker_threads = 2",
        ),
        (
            r#"worker_threads = 2, flavor = "local""#,
            "has no worker threads",
            r#"flavor = "local""#,
        ),
        (r#"flavor = "other""#, "unknown flavor", r#""other""#),
        ("flavor = 1", "expected a string", "1"),
        ("name = 1", "expected a string", "1"),
        (r#"name = " ""#, "leave it out", r#"" ""#),
        (
            r#"unhandled_panic = "abort""#,
            "`\"ignore\"` and `\"shutdown_runtime\"`",
            r#""abort""#,
        ),
        ("unhandled_panic = true", "expected a string", "true"),
        ("start_paused = 1", "`true` or `false`", "1"),
        ("start = true", "unknown argument", "start"),
        ("start_paused", "`name = value`", "start_paused"),
        ("flavor(local)", "`name = value`", "flavor(local)"),
        ("crate = heist", "a path in a string", "heist"),
        (
            r#"flavor = "multi_thread", flavor = "multi_thread""#,
            "given twice",
            "flavor",
        ),
    ];
    for (input, message, at) in cases {
        let error = args(input);
        assert!(error.0.contains(message), "{input}: {}", error.0);
        assert_eq!(error.1, at, "{input}");
    }
}
