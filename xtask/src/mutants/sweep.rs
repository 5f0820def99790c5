//! All mutants, by as many runners as there are cores, each with a scratch copy of its own.
//!
//! First the unchanged models run, those that some mutant names: a model that fails by itself
//! kills every mutant, and how long it takes tells what is a hang.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail};

use super::Mutant;
use super::scratch::{self, Scratch};
use super::trial::{self, Baseline, Outcome, SEARCH_LIMIT, Trial};
use crate::loom::tree::Model;
use crate::signals;

/// Tries every mutant; the results are in the mutants' order.
pub(super) fn run(mutants: &[Mutant], search: bool) -> anyhow::Result<Vec<Trial>> {
    let runners = thread::available_parallelism().map_or(1, usize::from);
    let runners = runners.min(mutants.len()).min(MOST_RUNNERS);
    println!("{} mutants, {runners} at a time", mutants.len());
    let _alone = Scratch::lock()?;
    let mut copies = Vec::new();
    for number in 0..runners {
        let scratch = Scratch::prepare(number)?;
        let models = BTreeMap::new();
        copies.push(Copy { scratch, models });
    }
    let baseline = baseline(mutants, &mut copies)?;
    println!("the mutants:");
    let done = AtomicUsize::new(0);
    each(&copies, mutants, |copy, mutant| {
        let trial = trial::of(mutant, &copy.scratch, &baseline, search)?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let (all, seconds) = (mutants.len(), trial.seconds);
        println!(
            "{done:>4}/{all} {seconds:>6.1} s  {}: {}",
            mutant.name, trial.verdict
        );
        Ok(trial)
    })
}

/// A scratch copy with its unchanged models, by crate.
struct Copy {
    scratch: Scratch,
    models: BTreeMap<String, Vec<Model>>,
}

/// Builds the crates in every copy, and runs each model that some mutant names.
fn baseline(mutants: &[Mutant], copies: &mut [Copy]) -> anyhow::Result<Baseline> {
    println!("the unchanged models:");
    let crates: BTreeSet<&String> = mutants.iter().map(|mutant| &mutant.krate).collect();
    thread::scope(|scope| {
        let builds = copies.iter_mut().map(|copy| {
            scope.spawn(|| {
                for &krate in &crates {
                    let built = copy.scratch.build(krate)?;
                    let models = built.map_err(|errors| anyhow!("{errors}"))?;
                    copy.models.insert(krate.clone(), models);
                }
                anyhow::Ok(())
            })
        });
        let builds: Vec<_> = builds.collect();
        let mut results = builds
            .into_iter()
            .map(|build| build.join().expect("a build does not panic"));
        results.try_for_each(|result| result)
    })?;
    let models = mutants.iter().flat_map(|mutant| {
        let named = mutant.models.iter();
        named.map(|model| (mutant.krate.clone(), model.clone()))
    });
    let models: Vec<(String, String)> = models.collect::<BTreeSet<_>>().into_iter().collect();
    let took = each(copies, &models, |copy, (krate, model)| {
        usual(scratch::model(&copy.models[krate], model)?)
    })?;
    Ok(models.into_iter().zip(took).collect())
}

/// Runs an unchanged model, which must pass.
fn usual(model: &Model) -> anyhow::Result<Duration> {
    let (package, name) = (&model.package, model.name());
    match trial::play(model, SEARCH_LIMIT)? {
        Outcome::Passed(took) => {
            println!("{:>16.1} s  {package} {name}", took.as_secs_f64());
            Ok(took)
        }
        Outcome::Failed(how) => {
            bail!("{name} fails without a mutant ({how}); see it with: cargo xtask loom {name}")
        }
        Outcome::Endless => bail!("{name} has not ended within {} s", SEARCH_LIMIT.as_secs()),
    }
}

/// Calls `work` for every item, on one thread for each copy, until one call fails; the results are
/// in the items' order.
fn each<T: Sync, R: Send>(
    copies: &[Copy],
    items: &[T],
    work: impl Fn(&Copy, &T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<anyhow::Result<R>>>> =
        items.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for copy in copies {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) && !signals::interrupted() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(copy, item);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    *results[index].lock().expect("no runner panics") = Some(result);
                }
            });
        }
    });
    signals::check()?;
    let mut outcomes = Vec::new();
    for cell in results {
        match cell.into_inner().expect("no runner panics") {
            Some(result) => outcomes.push(result?),
            // Not begun, because another one failed.
            None => break,
        }
    }
    if outcomes.len() < items.len() {
        bail!("stopped early");
    }
    Ok(outcomes)
}

/// Each has a target directory of half a gigabyte.
const MOST_RUNNERS: usize = 4;
