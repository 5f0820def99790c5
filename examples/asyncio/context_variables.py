"""Context variables: children inherit them, and change their own copies only."""
import asyncio
import contextvars

request = contextvars.ContextVar("request", default="none")


async def handler(name):
    request.set(f"{name}'s own")
    await asyncio.sleep(0)
    return request.get()


async def child():
    return request.get()


async def main():
    print(f"before: {request.get()}")
    request.set("main")
    print(f"child sees: {await asyncio.create_task(child())}")
    print(f"handler sees: {await asyncio.create_task(handler('a'))}")
    print(f"after: {request.get()}")


asyncio.run(main())
