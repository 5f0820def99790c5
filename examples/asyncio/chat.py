"""A chat over a Unix socket: what one member says the others hear; SIGTERM ends it for all."""

import asyncio
import os
import signal
import tempfile

members = {}


def tell(text, but=None):
    for name, writer in members.items():
        if name != but:
            writer.write(f"{text}\n".encode())


async def serve(reader, writer):
    name = (await reader.readline()).decode().strip()
    tell(f"{name} joins")
    members[name] = writer
    writer.write(b"welcome\n")
    while line := await reader.readline():
        tell(f"{name}: {line.decode().strip()}", but=name)
        writer.write(b"sent\n")
    del members[name]
    tell(f"{name} leaves")
    writer.close()


class Member:
    async def join(self, path, name):
        self.name, self.heard = name, []
        self.reader, self.writer = await asyncio.open_unix_connection(path)
        await self.say(name)
        return self

    async def say(self, text):
        self.writer.write(f"{text}\n".encode())
        await self.hear()

    async def hear(self):
        line = (await self.reader.readline()).decode().strip()
        self.heard.append(line or "(the end)")


async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with tempfile.TemporaryDirectory() as home:
        path = os.path.join(home, "chat")
        server = await asyncio.start_unix_server(serve, path)
        ann = await Member().join(path, "ann")
        bob = await Member().join(path, "bob")
        await ann.hear()
        await ann.say("hello bob")
        await bob.hear()
        await bob.say("hello ann")
        await ann.hear()
        cid = await Member().join(path, "cid")
        await ann.hear()
        await bob.hear()
        cid.writer.close()
        await ann.hear()
        await bob.hear()

        os.kill(os.getpid(), signal.SIGTERM)
        await stopped.wait()
        server.close()
        tell("closing")
        for writer in members.values():
            writer.close()
        for member in [ann, bob]:
            await member.hear()
            await member.hear()
        for member in [ann, bob, cid]:
            print(f"{member.name} hears: {', '.join(member.heard)}")
            member.writer.close()


asyncio.run(main())
