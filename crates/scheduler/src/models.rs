//! The loom models of the scheduler: one file per protocol, named for what it claims.
