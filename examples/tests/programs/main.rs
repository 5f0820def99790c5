//! The examples as processes of their own, driven from outside as their users drive them.

mod process;

mod http;
mod kv;
mod tcp;
