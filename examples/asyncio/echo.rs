//! A stream echo server and three clients that talk to it at the same time: `echo.py` on Heist.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use heist::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use heist::net::{TcpListener, TcpStream};

async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 {
        stream.get_mut().write_all(&line).await?;
        line.clear();
    }
    Ok(())
}

async fn client(addr: SocketAddr, name: &str) -> io::Result<Vec<String>> {
    let mut stream = BufReader::new(TcpStream::connect(addr).await?);
    let mut lines = Vec::new();
    for number in 0..3 {
        let text = format!("{name} says {number}\n");
        stream.get_mut().write_all(text.as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        lines.push(line.trim().to_owned());
    }
    stream.get_mut().shutdown().await?;
    assert_eq!(stream.read(&mut [0]).await?, 0);
    Ok(lines)
}

#[heist::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = heist::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(heist::spawn(serve(stream)));
        }
    });
    let (ann, bob, cid) = heist::try_join!(
        client(addr, "ann"),
        client(addr, "bob"),
        client(addr, "cid")
    )?;
    for lines in [ann, bob, cid] {
        println!("{}", lines.join("\n"));
    }
    server.abort();
    drop(server.await);
    match client(addr, "late").await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => println!("closed"),
        other => println!("{other:?}"),
    }
    Ok(())
}
