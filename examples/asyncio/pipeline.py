"""Three processes, the output of each the input of the next; one that fails, one that is killed."""

import asyncio
import os
from asyncio.subprocess import PIPE


async def pipeline():
    between_read, between_write = os.pipe()
    upper = await asyncio.create_subprocess_exec(
        "tr", "a-z", "A-Z", stdin=PIPE, stdout=between_write
    )
    os.close(between_write)
    sort = await asyncio.create_subprocess_exec("sort", stdin=between_read, stdout=PIPE)
    os.close(between_read)
    upper.stdin.write(b"pear\nfig\napple\n")
    await upper.stdin.drain()
    upper.stdin.close()
    while line := await sort.stdout.readline():
        print(line.decode().strip())
    print("status", await upper.wait(), await sort.wait())


async def failing():
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", "echo out; echo err >&2; exit 7", stdout=PIPE, stderr=PIPE
    )
    out, err = await shell.communicate()
    print(out.decode().strip(), err.decode().strip(), "status", shell.returncode)


async def killed():
    sleep = await asyncio.create_subprocess_exec("sleep", "1000")
    try:
        await asyncio.wait_for(sleep.wait(), 0.05)
    except asyncio.TimeoutError:
        sleep.kill()
    print("status", await sleep.wait())


async def main():
    await pipeline()
    await failing()
    await killed()


asyncio.run(main())
