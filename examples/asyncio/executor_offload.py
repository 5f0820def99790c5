"""Blocking work goes to threads while the loop goes on."""
import asyncio
import time


def blocking(n):
    time.sleep(0.02)
    return n * n


async def heartbeat(stop):
    beats = 0
    while not stop.is_set():
        beats += 1
        await asyncio.sleep(0.001)
    return beats


async def main():
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    beating = asyncio.create_task(heartbeat(stop))
    squares = await asyncio.gather(*(loop.run_in_executor(None, blocking, n) for n in range(5)))
    stop.set()
    print(squares)
    print(f"the loop went on: {await beating > 1}")


asyncio.run(main())
