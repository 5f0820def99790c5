//! The examples as processes of their own, driven from outside as their users drive them.

mod process;

mod asyncio;
mod http;
mod kv;
mod tcp;
