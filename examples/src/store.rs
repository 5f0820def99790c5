//! The commands of the `kv` example over a sharded map of strings and lists.
//!
//! A key lives in the shard that its hash picks; each command locks one shard at a time and never
//! across an await. Commands over several keys are therefore not atomic as a whole.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};

use crate::resp::{Command, Reply};

/// Enough that two workers rarely meet.
const SHARDS: usize = 64;

#[derive(Debug)]
enum Value {
    Text(Bytes),
    List(VecDeque<Bytes>),
}

/// Which keys a write is for.
#[derive(Clone, Copy, Debug)]
enum When {
    Always,
    New,
    Known,
}

/// What becomes of the connection after a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer; the connection goes on.
    Reply(Reply),
    /// The last answer of the connection.
    Last(Reply),
}

type Shard = HashMap<Bytes, Value>;
/// The reply, or the text of the error.
type Answer = Result<Reply, String>;

/// The keys and their values.
#[derive(Debug)]
pub struct Store {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Runs one command. Names are taken in either case.
    pub fn execute(&self, command: &Command<'_>) -> Outcome {
        let mut name = [0; 16];
        let given = command.arg(0);
        let name = match name.get_mut(..given.len()) {
            Some(name) => {
                name.copy_from_slice(given);
                name.make_ascii_uppercase();
                &*name
            }
            None => given,
        };
        if name == b"QUIT" {
            return Outcome::Last(Reply::Simple("OK"));
        }
        if !arity_fits(name, command.count()) {
            let name = given.escape_ascii().to_string().to_lowercase();
            return Outcome::Reply(Reply::Error(format!(
                "ERR wrong number of arguments for '{name}' command"
            )));
        }
        let answer = self.on_strings(name, command);
        let answer = answer.or_else(|| self.on_lists(name, command));
        let answer = answer.or_else(|| self.on_keys(name, command));
        let answer = answer.or_else(|| about_the_server(name, command));
        let unknown = || Err(format!("ERR unknown command '{}'", given.escape_ascii()));
        Outcome::Reply(answer.unwrap_or_else(unknown).unwrap_or_else(Reply::Error))
    }

    fn on_strings(&self, name: &[u8], command: &Command<'_>) -> Option<Answer> {
        let key = command.arg(1);
        Some(match name {
            b"GET" => self.text(key),
            b"SET" => self.set(command),
            b"SETNX" => Ok(Reply::Integer(i64::from(self.put(command, 1, When::New)))),
            b"MSET" => {
                for index in (1..command.count()).step_by(2) {
                    self.put(command, index, When::Always);
                }
                Ok(Reply::Simple("OK"))
            }
            // A key of another type reads as none, as in Redis.
            b"MGET" => Ok(Reply::Array(
                command
                    .args_from(1)
                    .map(|key| self.text(key).unwrap_or(Reply::Null))
                    .collect(),
            )),
            b"STRLEN" => self.text(key).map(|reply| match reply {
                Reply::Bulk(text) => Reply::Integer(text.len() as i64),
                _ => Reply::Integer(0),
            }),
            b"APPEND" => self.append(key, command.arg(2)),
            b"INCR" => self.add(key, 1),
            b"DECR" => self.add(key, -1),
            b"INCRBY" => integer(command.arg(2)).and_then(|by| self.add(key, by)),
            b"DECRBY" => integer(command.arg(2))
                .and_then(|by| by.checked_neg().ok_or_else(|| NOT_AN_INTEGER.to_owned()))
                .and_then(|by| self.add(key, by)),
            _ => return None,
        })
    }

    fn on_lists(&self, name: &[u8], command: &Command<'_>) -> Option<Answer> {
        let key = command.arg(1);
        Some(match name {
            b"LPUSH" => self.push(command, VecDeque::push_front),
            b"RPUSH" => self.push(command, VecDeque::push_back),
            b"LPOP" => self.pop(key, VecDeque::pop_front),
            b"RPOP" => self.pop(key, VecDeque::pop_back),
            b"LLEN" => self.list(key, |list| Reply::Integer(list.len() as i64)),
            b"LRANGE" => integer(command.arg(2)).and_then(|first| {
                let last = integer(command.arg(3))?;
                self.list(key, |list| Reply::Array(slice(list, first, last)))
            }),
            _ => return None,
        })
    }

    fn on_keys(&self, name: &[u8], command: &Command<'_>) -> Option<Answer> {
        let keys = || command.args_from(1);
        Some(match name {
            b"DEL" | b"UNLINK" => Ok(count(
                keys().filter(|key| self.shard(key).remove(*key).is_some()),
            )),
            b"EXISTS" => Ok(count(
                keys().filter(|key| self.shard(key).contains_key(*key)),
            )),
            b"TYPE" => Ok(Reply::Simple(
                match self.shard(command.arg(1)).get(command.arg(1)) {
                    None => "none",
                    Some(Value::Text(_)) => "string",
                    Some(Value::List(_)) => "list",
                },
            )),
            b"KEYS" => Ok(Reply::Array(self.keys_like(command.arg(1)))),
            b"DBSIZE" => Ok(Reply::Integer(
                self.every_shard().map(|shard| shard.len() as i64).sum(),
            )),
            b"FLUSHALL" | b"FLUSHDB" => {
                self.every_shard()
                    .for_each(|mut shard| *shard = Shard::new());
                Ok(Reply::Simple("OK"))
            }
            _ => return None,
        })
    }

    fn text(&self, key: &[u8]) -> Answer {
        match self.shard(key).get(key) {
            None => Ok(Reply::Null),
            Some(Value::Text(text)) => Ok(Reply::Bulk(text.clone())),
            Some(Value::List(_)) => Err(WRONG_TYPE.to_owned()),
        }
    }

    /// Sets the key at `index` to the argument after it, if `when` allows it. What it replaces is
    /// freed without the lock.
    fn put(&self, command: &Command<'_>, index: usize, when: When) -> bool {
        let key = command.arg(index);
        let value = Value::Text(command.keep(index + 1));
        let mut shard = self.shard(key);
        let old = match (shard.get_mut(key), when) {
            (Some(_), When::New) | (None, When::Known) => return false,
            (Some(held), _) => Some(mem::replace(held, value)),
            (None, _) => shard.insert(Bytes::copy_from_slice(key), value),
        };
        drop(shard);
        drop(old);
        true
    }

    fn set(&self, command: &Command<'_>) -> Answer {
        let when = match command.arg(3).to_ascii_uppercase().as_slice() {
            b"" => When::Always,
            b"NX" => When::New,
            b"XX" => When::Known,
            _ => return Err("ERR syntax error".to_owned()),
        };
        let done = self.put(command, 1, when);
        Ok(if done {
            Reply::Simple("OK")
        } else {
            Reply::Null
        })
    }

    fn add(&self, key: &[u8], by: i64) -> Answer {
        self.update(key, |old| {
            let sum = if old.is_empty() {
                Some(by)
            } else {
                integer(old)?.checked_add(by)
            };
            let sum = sum.ok_or("ERR increment or decrement would overflow")?;
            Ok((Bytes::from(sum.to_string()), sum))
        })
    }

    fn append(&self, key: &[u8], tail: &[u8]) -> Answer {
        self.update(key, |old| {
            let mut text = BytesMut::with_capacity(old.len() + tail.len());
            text.extend_from_slice(old);
            text.extend_from_slice(tail);
            let len = text.len() as i64;
            Ok((text.freeze(), len))
        })
    }

    /// Replaces a text, the empty one when there is none, and answers with a number.
    fn update(
        &self,
        key: &[u8],
        change: impl FnOnce(&[u8]) -> Result<(Bytes, i64), String>,
    ) -> Answer {
        let mut shard = self.shard(key);
        let (text, number) = match shard.get_mut(key) {
            Some(Value::List(_)) => return Err(WRONG_TYPE.to_owned()),
            Some(Value::Text(held)) => {
                let (text, number) = change(held)?;
                *held = text;
                return Ok(Reply::Integer(number));
            }
            None => change(b"")?,
        };
        shard.insert(Bytes::copy_from_slice(key), Value::Text(text));
        Ok(Reply::Integer(number))
    }

    fn push(&self, command: &Command<'_>, push: fn(&mut VecDeque<Bytes>, Bytes)) -> Answer {
        let key = command.arg(1);
        let mut shard = self.shard(key);
        if !shard.contains_key(key) {
            shard.insert(Bytes::copy_from_slice(key), Value::List(VecDeque::new()));
        }
        let Some(Value::List(list)) = shard.get_mut(key) else {
            return Err(WRONG_TYPE.to_owned());
        };
        (2..command.count()).for_each(|index| push(list, command.keep(index)));
        Ok(Reply::Integer(list.len() as i64))
    }

    fn pop(&self, key: &[u8], pop: fn(&mut VecDeque<Bytes>) -> Option<Bytes>) -> Answer {
        let mut shard = self.shard(key);
        let (value, empty) = match shard.get_mut(key) {
            None => return Ok(Reply::Null),
            Some(Value::Text(_)) => return Err(WRONG_TYPE.to_owned()),
            Some(Value::List(list)) => (pop(list), list.is_empty()),
        };
        if empty {
            shard.remove(key);
        }
        Ok(value.map_or(Reply::Null, Reply::Bulk))
    }

    fn list(&self, key: &[u8], look: impl FnOnce(&VecDeque<Bytes>) -> Reply) -> Answer {
        match self.shard(key).get(key) {
            None => Ok(look(&VecDeque::new())),
            Some(Value::List(list)) => Ok(look(list)),
            Some(Value::Text(_)) => Err(WRONG_TYPE.to_owned()),
        }
    }

    /// The keys that match; of patterns only a trailing `*` is known.
    fn keys_like(&self, pattern: &[u8]) -> Vec<Reply> {
        let fits = |key: &Bytes| match pattern.strip_suffix(b"*") {
            Some(head) => key.starts_with(head),
            None => key == pattern,
        };
        self.every_shard()
            .flat_map(|shard| {
                shard
                    .keys()
                    .filter(|key| fits(key))
                    .cloned()
                    .collect::<Vec<_>>()
            })
            .map(Reply::Bulk)
            .collect()
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(key) as usize % self.shards.len();
        lock(&self.shards[index])
    }

    fn every_shard(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(lock)
    }
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// No panic can leave a map half changed, so a poisoned lock is as good as any.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn integer(text: &[u8]) -> Result<i64, String> {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| NOT_AN_INTEGER.to_owned())
}

fn count<T>(items: impl Iterator<Item = T>) -> Reply {
    Reply::Integer(items.count() as i64)
}

/// The elements from `first` to `last`, both included; negative ones count from the end.
fn slice(list: &VecDeque<Bytes>, first: i64, last: i64) -> Vec<Reply> {
    let len = list.len() as i64;
    let place = |index: i64| {
        if index < 0 {
            index.saturating_add(len)
        } else {
            index
        }
    };
    let first = place(first).clamp(0, len) as usize;
    let end = place(last).saturating_add(1).clamp(first as i64, len) as usize;
    list.range(first..end).cloned().map(Reply::Bulk).collect()
}

/// Whether a known command may have `count` arguments, its name included.
fn arity_fits(name: &[u8], count: usize) -> bool {
    match name {
        b"GET" | b"INCR" | b"DECR" | b"STRLEN" | b"LPOP" | b"RPOP" | b"LLEN" | b"TYPE"
        | b"KEYS" | b"ECHO" | b"SELECT" => count == 2,
        b"SETNX" | b"APPEND" | b"INCRBY" | b"DECRBY" => count == 3,
        b"SET" => count == 3 || count == 4,
        b"LRANGE" => count == 4,
        b"MSET" => count >= 3 && count % 2 == 1,
        b"LPUSH" | b"RPUSH" => count >= 3,
        b"MGET" | b"DEL" | b"UNLINK" | b"EXISTS" | b"CONFIG" | b"CLIENT" => count >= 2,
        _ => true,
    }
}

/// What clients ask when they connect.
fn about_the_server(name: &[u8], command: &Command<'_>) -> Option<Answer> {
    let text = |text: &'static str| Reply::Bulk(Bytes::from_static(text.as_bytes()));
    Some(Ok(match name {
        b"PING" if command.count() == 1 => Reply::Simple("PONG"),
        b"PING" | b"ECHO" => Reply::Bulk(command.keep(command.count() - 1)),
        b"SELECT" if command.arg(1) == b"0" => Reply::Simple("OK"),
        b"SELECT" => return Some(Err("ERR DB index is out of range".to_owned())),
        b"HELLO" if command.count() > 1 && command.arg(1) != b"2" => {
            return Some(Err("NOPROTO unsupported protocol version".to_owned()));
        }
        b"HELLO" => Reply::Array(vec![
            text("server"),
            text("heist-kv"),
            text("proto"),
            Reply::Integer(2),
            text("mode"),
            text("standalone"),
        ]),
        b"INFO" => text("# Server\r\nserver_name:heist-kv\r\n"),
        // No limits, no persistence: nothing that a client could have to know.
        b"CONFIG" if command.arg(1).eq_ignore_ascii_case(b"GET") => Reply::Array(Vec::new()),
        b"COMMAND" => Reply::Array(Vec::new()),
        b"CONFIG" | b"CLIENT" => Reply::Simple("OK"),
        _ => return None,
    }))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
