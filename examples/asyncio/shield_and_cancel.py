"""A task is cancelled while it awaits something shielded."""
import asyncio


async def commit(done):
    await asyncio.sleep(0.02)
    print("committed")
    done.set()


async def request(done):
    try:
        await asyncio.shield(commit(done))
        print("not reached")
    except asyncio.CancelledError:
        print("request cancelled")
        raise


async def main():
    done = asyncio.Event()
    task = asyncio.create_task(request(done))
    await asyncio.sleep(0.005)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancellation seen")
    await done.wait()
    print("done")


asyncio.run(main())
