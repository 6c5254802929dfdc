"""Drives Telethon for the lab's test: a JSON command a line on standard input, a JSON answer a line on standard output."""

import asyncio
import json
import logging
import sys

from telethon import TelegramClient, events
from telethon.sessions import StringSession

# The list cuts its connection on purpose.
logging.getLogger("telethon").setLevel(logging.CRITICAL)


class Witness:
    def __init__(self, session):
        self.session = session
        self.client = TelegramClient(StringSession(session), 12345, "hash", catch_up=False, connection_retries=20, retry_delay=0.1)
        self.queue = asyncio.Queue()
        self.last = None
        client = self.client
        client.add_event_handler(lambda event: self.note("new", event.message), events.NewMessage())
        client.add_event_handler(lambda event: self.note("edited", event.message), events.MessageEdited())
        client.add_event_handler(self.note_deleted, events.MessageDeleted())

    async def note(self, kind, message):
        await self.queue.put(({"kind": kind, "text": message.raw_text, "id": message.id, "out": message.out}, message))

    async def note_deleted(self, event):
        for deleted in event.deleted_ids:
            await self.queue.put(({"kind": "deleted", "text": "", "id": deleted, "out": False}, None))

    async def do_authorised(self):
        await self.client.connect()
        assert StringSession.save(self.client.session) == self.session, "the string is not what Telethon itself writes"
        return await self.client.is_user_authorized()

    async def do_me(self):
        me = await self.client.get_me()
        return [me.id, me.first_name]

    async def do_dialogs(self):
        return [dialog.name async for dialog in self.client.iter_dialogs()]

    async def do_history(self, user):
        return [message.raw_text async for message in self.client.iter_messages(user, wait_time=0)]

    async def do_next(self, seconds):
        try:
            event, message = await asyncio.wait_for(self.queue.get(), seconds)
        except asyncio.TimeoutError:
            return None
        self.last = message or self.last
        return event

    async def do_reply(self, text):
        return (await self.last.reply(text)).id

    async def do_send(self, user, text):
        return (await self.client.send_message(user, text)).id

    async def do_edit(self, user, id, text):
        await self.client.edit_message(user, id, text)

    async def do_delete(self, user, id):
        await self.client.delete_messages(user, [id])

    async def do_forward(self, user, id, to):
        return (await self.client.forward_messages(to, id, user)).id

    async def do_upload(self, user, path):
        return (await self.client.send_file(user, path, force_document=True, caption="see the file")).id

    async def do_download(self, user, id, path):
        message = await self.client.get_messages(user, ids=id)
        await self.client.download_media(message, path)

    async def do_read(self, user):
        await self.client.send_read_acknowledge(user)


async def main():
    loop = asyncio.get_running_loop()
    witness = Witness(sys.argv[1])
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        try:
            answer = {"ok": await getattr(witness, "do_" + command.pop("do"))(**command)}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)
    await witness.client.disconnect()


asyncio.run(main())
