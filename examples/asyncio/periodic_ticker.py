"""Something every 10 ms that keeps its phase, while a slow step in between makes it miss ticks."""
import asyncio


async def ticker(period, count):
    loop = asyncio.get_running_loop()
    start = loop.time()
    for n in range(count):
        due = start + n * period
        await asyncio.sleep(max(0, due - loop.time()))
        late = loop.time() >= due
        print(f"tick {n} not early: {late}")
        if n == 1:
            await asyncio.sleep(period * 2.5)
            print("slow step")


asyncio.run(ticker(0.01, 6))
