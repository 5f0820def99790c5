//! The data file against the sources.

use super::*;

const CODE: &str = "\
fn f() {
    // ORDERING: Acquire pairs with `f`: sees a. (model: no_wake_is_lost)
    if a.load(Acquire) && guard {
        b();
    }
}
";

const MUTANT: &str = "
[[mutant]]
name = \"no guard\"
file = \"crates/scheduler/src/a.rs\"
old = ' && guard'
new = ''
why = \"b is called too early\"
models = [\"no_wake_is_lost\"]
";

const ARGUMENT: &str = "the lock in `g` carries the same edge: whoever comes here has passed \
    through it, and no model can take the one away without the other";

fn plan(data: &str) -> (Vec<Mutant>, Vec<Problem>) {
    let path = "crates/scheduler/src/a.rs";
    let sources = [
        Source::new(path, CODE),
        Source::new(
            "crates/scheduler/src/models/a.rs",
            "#[test]\nfn no_wake_is_lost() {}",
        ),
    ];
    let texts = BTreeMap::from([(path.to_owned(), CODE.to_owned())]);
    of(&sources, &texts, data)
}

fn problem(data: &str) -> Problem {
    let (_, mut problems) = plan(data);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

fn changed(old: &str, new: &str) -> String {
    assert!(MUTANT.contains(old), "{old}");
    problem(&MUTANT.replace(old, new)).what
}

#[test]
fn mutants_are_derived_and_written_by_hand() {
    let (mutants, problems) = plan(MUTANT);
    assert_eq!(problems, []);
    let [derived, by_hand] = mutants.try_into().expect("one of each");
    assert_eq!(derived.name, "scheduler f: Acquire -> Relaxed");
    assert_eq!(derived.models, ["no_wake_is_lost"]);
    assert_eq!(by_hand.name, "scheduler no guard");
    assert_eq!(by_hand.apply(CODE), CODE.replace(" && guard", ""));
}

#[test]
fn what_is_replaced_must_occur_once() {
    assert!(changed("' && guard'", "' && keeper'").contains("occurs 0 times"));
    assert!(changed("' && guard'", "'('").contains("occurs 4 times"));
    assert!(changed("new = ''", "new = ' && guard'").contains("`new` is `old`"));
    assert!(changed("src/a.rs", "src/b.rs").contains("no file of a modelled crate"));
}

#[test]
fn a_mutant_has_a_reason_and_models_that_exist() {
    assert!(changed("b is called too early", " ").contains("`why` is empty"));
    assert!(changed("[\"no_wake_is_lost\"]", "[]").contains("`models` is empty"));
    assert!(changed("\"no_wake_is_lost\"", "\"gone\"").contains("no model `gone`"));
    assert!(problem(&MUTANT.repeat(2)).what.contains("two mutants"));
}

#[test]
fn a_survivor_is_argued_with_reasons() {
    let survivor = |name: &str, argument: &str| {
        format!("[[survivor]]\nname = \"{name}\"\nsurvives = \"{argument}\"\n")
    };
    let name = "scheduler f: Acquire -> Relaxed";
    let (mutants, problems) = plan(&survivor(name, ARGUMENT));
    assert_eq!(problems, []);
    assert_eq!(mutants[0].argument.as_deref(), Some(ARGUMENT));
    let found = problem(&survivor(name, "the two are equivalent"));
    assert!(found.what.contains("no argument"));
    let found = problem(&survivor("scheduler f: Release -> Relaxed", ARGUMENT));
    assert!(found.what.contains("no ordering gives"));
    let found = problem(&survivor(name, ARGUMENT).repeat(2));
    assert!(found.what.contains("argued twice"));
    let by_hand = format!("{MUTANT}survives = \"{ARGUMENT}\"\n");
    assert!(plan(&by_hand).0[1].argument.is_some());
}

#[test]
fn a_problem_names_the_line_of_the_data_file() {
    let found = problem(&MUTANT.replace("' && guard'", "'gone'"));
    assert_eq!((found.path.as_str(), found.line), (FILE, 2));
    let found = problem("\n\n[[mutant]]\nnames = 1\n");
    assert_eq!(found.line, 3);
}
