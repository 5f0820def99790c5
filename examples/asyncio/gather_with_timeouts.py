"""Several waits at once, each with a timeout."""
import asyncio


async def fetch(name, seconds):
    await asyncio.sleep(seconds)
    return f"{name} after {round(seconds * 100)}"


async def main():
    async def bounded(name, seconds):
        try:
            return await asyncio.wait_for(fetch(name, seconds), timeout=0.1)
        except asyncio.TimeoutError:
            return f"{name} timed out"

    results = await asyncio.gather(bounded("a", 0.02), bounded("b", 5), bounded("c", 0.04))
    for result in results:
        print(result)


asyncio.run(main())
