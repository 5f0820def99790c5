"""A producer and a slower consumer with a bounded queue between them."""
import asyncio


async def producer(queue):
    for n in range(6):
        await queue.put(n)
        print(f"put {n}")
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    print(f"total {total}")
    return total


async def main():
    queue = asyncio.Queue(maxsize=2)
    task = asyncio.create_task(consumer(queue))
    await producer(queue)
    print(f"joined {await task}")


asyncio.run(main())
