//! Cells of all sizes, used again, found by their address, and given up with their scheduler.

use std::alloc::Layout;
use std::cell::RefCell;
use std::future::{Future, pending};
use std::sync::Arc;

use super::{Arena, Cache, Class, Resident};
use crate::task::{self, Block, Home, JoinHandle, Meta, Schedule, Task};

/// A scheduler without queues, whose worker is the test.
struct Owner {
    arena: Arena<Owner>,
    freed: Arc<()>,
}

thread_local! {
    static CACHE: RefCell<Option<Cache<Owner>>> = const { RefCell::new(None) };
}

impl AsRef<Arena<Owner>> for Owner {
    fn as_ref(&self) -> &Arena<Owner> {
        &self.arena
    }
}

impl Schedule for Resident<Owner> {
    type Target = ();

    fn target(&self) {}

    fn schedule((): (), task: Task) {
        task.run();
    }

    fn schedule_yielded((): (), task: Task) {
        task.run();
    }
}

impl Home for Resident<Owner> {
    fn take_back(self, block: Block) {
        let owner = self.owner();
        CACHE.with_borrow_mut(|cache| match cache {
            Some(cache) => cache.put(&owner.arena, block),
            None => Arena::put(&owner, block),
        });
    }
}

fn owner() -> Arc<Owner> {
    Arc::new(Owner {
        arena: Arena::new(),
        freed: Arc::new(()),
    })
}

fn spawn<F>(owner: &Arc<Owner>, future: F) -> (Task, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let class = task::class_of::<F, Resident<Owner>>();
    let block = CACHE.with_borrow_mut(|cache| match cache {
        Some(cache) => cache.take(&owner.arena, class),
        None => Arena::take(owner, class),
    });
    let meta = Meta::new(Some("a task"));
    task::new_in(block, owner, future, meta)
}

#[test]
fn a_cell_is_large_enough_and_aligned_for_all_of_its_class() {
    let sizes = (1..5000).chain([1 << 20, (1 << 20) + 1]);
    for (size, align) in sizes.flat_map(|size| (0..13).map(move |power| (size, 1 << power))) {
        let layout = Layout::from_size_align(size, align)
            .expect("a layout")
            .pad_to_align();
        let class = Class::of(layout);
        assert!(class.size() >= layout.size().max(16), "{layout:?}");
        assert_eq!(class.size() % align, 0, "{layout:?}");
        for chunks in [0, 1, 5, 40, u32::MAX] {
            let cells = class.magazines(chunks) * class.batch();
            let chunk = class.layout(cells);
            assert!(chunk.align() >= align, "{layout:?}");
            assert!(cells == 1 || chunk.size() <= 64 * 1024, "{layout:?}");
        }
        let waste = class.size() - layout.size();
        assert!(
            layout.size() > 2048 || align > 128 || waste < 16.max(align),
            "{layout:?}"
        );
    }
}

#[test]
fn a_freed_cell_is_used_again() {
    let owner = owner();
    CACHE.set(Some(owner.arena.cache(&owner)));
    let mut addresses = Vec::new();
    for _ in 0..10_000 {
        let (task, handle) = spawn(&owner, async {});
        addresses.push(task.address());
        task.run();
        drop(handle);
    }
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 1);
    Arena::flush(&owner, CACHE.take().expect("it was set"));
}

#[test]
fn tasks_of_all_kinds_live_side_by_side_and_are_enumerated() {
    #[repr(align(4096))]
    struct Page(#[expect(dead_code, reason = "it is there to be large")] [u8; 5000]);

    let owner = owner();
    CACHE.set(Some(owner.arena.cache(&owner)));
    let mut tasks = Vec::new();
    let mut handles: Vec<Box<dyn Send>> = Vec::new();
    for round in 0..500_usize {
        let (task, handle) = spawn(&owner, pending::<()>());
        tasks.push(task);
        handles.push(Box::new(handle));
        let bytes = [round as u8; 300];
        let (task, handle) = spawn(&owner, async move {
            pending::<()>().await;
            bytes
        });
        tasks.push(task);
        handles.push(Box::new(handle));
        let (task, handle) = spawn(&owner, async move {
            let page = Page([1; 5000]);
            pending::<()>().await;
            std::hint::black_box(&page);
        });
        assert_eq!(task.address() % 64, 0);
        tasks.push(task);
        handles.push(Box::new(handle));
    }
    assert_eq!(owner.arena.live(0, 1).len(), 1500);
    for task in &tasks {
        let found = owner.arena.get(task.address()).expect("it is alive");
        assert_eq!(found.meta().name.as_deref(), Some("a task"));
        assert!(
            owner.arena.get(task.address() + 8).is_none(),
            "not where a task begins"
        );
    }
    let gone = tasks[7].address();
    drop(tasks);
    assert!(owner.arena.get(gone).is_none(), "it has ended");
    assert_eq!(owner.arena.live(0, 1).len(), 0);
    drop(handles);
    Arena::flush(&owner, CACHE.take().expect("it was set"));
}

#[test]
fn the_owner_lives_until_the_last_handle_is_gone() {
    let owner = owner();
    let freed = Arc::downgrade(&owner.freed);
    CACHE.set(Some(owner.arena.cache(&owner)));
    let (task, handle) = spawn(&owner, async { 7 });
    task.run();
    Arena::flush(&owner, CACHE.take().expect("it was set"));
    drop(owner);
    assert!(freed.upgrade().is_some(), "a cell is still lent");
    drop(handle);
    assert!(freed.upgrade().is_none());
}

#[test]
fn a_task_that_is_spawned_when_all_is_over_keeps_its_owner_again() {
    let owner = owner();
    let freed = Arc::downgrade(&owner.freed);
    let (task, handle) = spawn(&owner, pending::<()>());
    drop(owner);
    assert!(freed.upgrade().is_some());
    task.cancel();
    drop(handle);
    assert!(freed.upgrade().is_none());
}
