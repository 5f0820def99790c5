//! A chat over a Unix socket: what one member says the others hear; SIGTERM ends it for all:
//! `chat.py` on Heist.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use heist::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use heist::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use heist::net::{UnixListener, UnixStream};
use heist::signal::unix::{SignalKind, signal};
use heist::sync::Mutex;
use rustix::process::{Signal, getpid, kill_process};

/// The writing halves of all members, by name.
type Members = Arc<Mutex<BTreeMap<String, OwnedWriteHalf>>>;

async fn tell(members: &Members, text: &str, but: &str) -> io::Result<()> {
    for (name, writer) in members.lock().await.iter_mut() {
        if name != but {
            writer.write_all(format!("{text}\n").as_bytes()).await?;
        }
    }
    Ok(())
}

async fn reply(members: &Members, name: &str, text: &[u8]) -> io::Result<()> {
    match members.lock().await.get_mut(name) {
        Some(writer) => writer.write_all(text).await,
        None => Ok(()),
    }
}

async fn serve(stream: UnixStream, members: Members) -> io::Result<()> {
    let (reader, writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let name = lines.next_line().await?.unwrap_or_default();
    tell(&members, &format!("{name} joins"), "").await?;
    members.lock().await.insert(name.clone(), writer);
    reply(&members, &name, b"welcome\n").await?;
    while let Some(line) = lines.next_line().await? {
        tell(&members, &format!("{name}: {line}"), &name).await?;
        reply(&members, &name, b"sent\n").await?;
    }
    members.lock().await.remove(&name);
    tell(&members, &format!("{name} leaves"), "").await
}

struct Member {
    name: &'static str,
    reader: BufReader<OwnedReadHalf>,
    writer: Option<OwnedWriteHalf>,
    heard: Vec<String>,
}

impl Member {
    async fn join(path: &Path, name: &'static str) -> io::Result<Self> {
        let (reader, writer) = UnixStream::connect(path).await?.into_split();
        let reader = BufReader::new(reader);
        let (writer, heard) = (Some(writer), Vec::new());
        let mut member = Self {
            name,
            reader,
            writer,
            heard,
        };
        member.say(name).await?;
        Ok(member)
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.write_all(format!("{text}\n").as_bytes()).await?;
        }
        self.hear().await
    }

    async fn hear(&mut self) -> io::Result<()> {
        let mut line = String::new();
        let length = self.reader.read_line(&mut line).await?;
        let text = if length == 0 {
            "(the end)"
        } else {
            line.trim()
        };
        self.heard.push(text.to_owned());
        Ok(())
    }
}

#[heist::main]
async fn main() -> io::Result<()> {
    let mut stopped = signal(SignalKind::terminate())?;
    let path = std::env::temp_dir().join(format!("heist-chat-{}", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let members = Members::default();
    let serving = members.clone();
    let server = heist::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(heist::spawn(serve(stream, serving.clone())));
        }
    });
    let mut ann = Member::join(&path, "ann").await?;
    let mut bob = Member::join(&path, "bob").await?;
    ann.hear().await?;
    ann.say("hello bob").await?;
    bob.hear().await?;
    bob.say("hello ann").await?;
    ann.hear().await?;
    let mut cid = Member::join(&path, "cid").await?;
    ann.hear().await?;
    bob.hear().await?;
    cid.writer = None;
    ann.hear().await?;
    bob.hear().await?;

    kill_process(getpid(), Signal::TERM)?;
    stopped.recv().await;
    server.abort();
    tell(&members, "closing", "").await?;
    members.lock().await.clear();
    for member in [&mut ann, &mut bob] {
        member.hear().await?;
        member.hear().await?;
    }
    for member in [ann, bob, cid] {
        println!("{} hears: {}", member.name, member.heard.join(", "));
    }
    std::fs::remove_file(path)
}
