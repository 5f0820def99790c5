"""A group one of whose children fails: the others are cancelled and clean up."""
import asyncio


async def works():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        print("sibling cleaned up")
        raise


async def fails():
    await asyncio.sleep(0.01)
    print("child fails")
    raise ValueError("boom")


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(works())
            group.create_task(fails())
    except* ValueError as errors:
        for error in errors.exceptions:
            print(f"group failed: {error}")


asyncio.run(main())
