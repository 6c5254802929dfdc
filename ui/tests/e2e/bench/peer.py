"""Telethon as a peer: `peer.py SESSION receive COUNT`, `peer.py SESSION history USER COUNT`, or with `paced` in the
place of `history` at the pace that Telethon keeps by itself. Keeps nothing.

Says "ready" once it is connected, and at the end a JSON line with the seconds and what it saw.
"""

import asyncio
import json
import sys
import time

from telethon import TelegramClient, events
from telethon.sessions import StringSession
from telethon.tl.types import PeerUser


def say(what):
    print(json.dumps(what), flush=True)


async def receive(client, count):
    seen = set()
    done = asyncio.Event()

    @client.on(events.NewMessage)
    async def heard(event):
        if event.message.raw_text.startswith("Burst "):
            seen.add(event.message.id)
            if len(seen) == count:
                done.set()

    await client.get_me()
    say("ready")
    # The lab pushes as soon as it is told that this line was read.
    sys.stdin.readline()
    began = time.monotonic()
    try:
        await asyncio.wait_for(done.wait(), 120)
    except asyncio.TimeoutError:
        pass
    say({"seconds": time.monotonic() - began, "messages": len(seen)})


async def history(client, user, count, wait_time=0):
    await client.get_dialogs()
    say("ready")
    seen = 0
    began = time.monotonic()
    async for _ in client.iter_messages(PeerUser(user), limit=count, wait_time=wait_time):
        seen += 1
    say({"seconds": time.monotonic() - began, "messages": seen})


async def paced(client, user, count):
    # Telethon waits a second before each page of a history of more than 3,000 messages.
    await history(client, user, count, wait_time=None)


async def main():
    session, what, *rest = sys.argv[1:]
    client = TelegramClient(StringSession(session), 12345, "hash")
    await client.connect()
    await {"receive": receive, "history": history, "paced": paced}[what](client, *map(int, rest))
    await client.disconnect()


asyncio.run(main())
