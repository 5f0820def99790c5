"""A stream echo server and three clients that talk to it at the same time."""

import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def client(addr, name):
    reader, writer = await asyncio.open_connection(*addr)
    lines = []
    for number in range(3):
        writer.write(f"{name} says {number}\n".encode())
        await writer.drain()
        lines.append((await reader.readline()).decode().strip())
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    return lines


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    addr = server.sockets[0].getsockname()
    names = ["ann", "bob", "cid"]
    for lines in await asyncio.gather(*(client(addr, name) for name in names)):
        print("\n".join(lines))
    server.close()
    try:
        await client(addr, "late")
    except ConnectionRefusedError:
        print("closed")


asyncio.run(main())
