"""Old databases in every state, and a reading of them that shares nothing with the program.

make SEED FOLDER     fills the old database with random rows, in the state that the seed chooses, and FOLDER with files
compare FOLDER       reads both databases and prints whatever differs, as one JSON object

OLD and NEW in the environment are the addresses of the two databases.
"""

import hashlib
import json
import os
import random
import sys
import uuid
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

START = datetime(2026, 3, 1, 8, 0, tzinfo=timezone.utc)
HASH = "0123456789abcdef0123456789abcdef"


# The making.

class Maker:
    def __init__(self, seed, folder):
        self.random = random.Random(seed)
        self.folder = Path(folder)
        self.seed = seed
        self.ids = 0
        # The first seeds go through the states one by one; the others combine them.
        pick = lambda *of: of[seed % len(of)] if seed < 8 else self.random.choice(of)
        maybe = lambda: self.random.random() < 0.5
        self.id_type = pick("integer", "uuid", "text", "bigint")
        self.api_type = pick("integer", "uuid", None, "text", "bigint")
        self.api_hash = pick(True, True, False)
        self.user_id = pick("uuid", "integer")
        self.json = pick("jsonb", "json", "text")
        self.late = pick(True, False) if seed < 8 else maybe()
        self.attachments = pick(True, True, False, True)
        self.mailboxes = pick(True, True, True, False, True)
        self.clients = pick(True, True, True, True, False, True)
        self.notes = pick(True, True, False)
        self.merged = pick(False, True)
        self.schema = pick("public", "old CRM", "crm_2024")

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def key(self, kind):
        self.ids += 1
        return self.uuid() if kind in ("uuid", "text") else self.ids

    @staticmethod
    def table(name, /, **columns):
        return name, {column: kind for column, kind in columns.items() if kind}

    def moment(self):
        return START + timedelta(seconds=self.random.randrange(60 * 86_400))

    def run(self, connection):
        rnd = self.random
        late = lambda kind: kind if self.late else None
        tables = dict([
            self.table("telegram_accounts", id=self.id_type, name="varchar", phone="varchar", session_string="varchar",
                       api_id=self.api_type, api_hash="varchar" if self.api_hash else None, is_active="boolean",
                       created_at="timestamptz"),
            self.table("users", id=self.user_id, email="varchar", first_name="varchar", last_name="varchar",
                       role="varchar", is_active="boolean"),
            self.table("communications_conversations", id="uuid", client_id="uuid", platform="varchar",
                       external_id="varchar", subject="varchar", created_at="timestamptz",
                       manager_smtp_account_id=late("integer"), assigned_manager_id=late("uuid"),
                       is_archived=late("boolean"), last_message_at=late("timestamptz")),
            self.table("communications_messages", id="uuid", conversation_id="uuid", direction="varchar",
                       type="varchar", content="text", status="varchar", attachments=self.json, meta_data=self.json,
                       is_from_me=late("boolean"), sent_at="timestamptz", external_id=late("varchar(500)"),
                       created_at="timestamptz"),
        ])
        if self.mailboxes:
            tables |= [self.table("manager_smtp_accounts", id="integer", name="varchar", email="varchar",
                                  smtp_host="varchar", smtp_port="integer", smtp_user="varchar", smtp_password="varchar",
                                  imap_host="varchar", imap_port="integer", is_active="boolean")]
        if self.attachments:
            tables |= [self.table("communications_attachments", id="uuid", message_id="uuid", file_path="varchar",
                                  file_type="varchar", mime_type="varchar", original_name="varchar",
                                  file_size="integer", created_at="timestamptz")]
        if self.clients:
            tables |= [self.table("crm_clients", id="uuid", full_name="varchar", email="varchar", phone="varchar",
                                  source="varchar")]
        if self.notes:
            tables |= [self.table("internal_notes", id="integer", entity_type="varchar", entity_id="varchar",
                                  author_name="varchar", text="text", created_at="timestamptz")]
        rows = {name: [] for name in tables}
        self.fill(rows)
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
        for name, columns in tables.items():
            at = f'"{self.schema}".{name}'
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"CREATE TABLE {at} ({listed})")
            rnd.shuffle(rows[name])
            with connection.cursor().copy(f"COPY {at} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows[name]:
                    copy.write_row([row.get(column) for column in columns])

    def fill(self, rows):
        rnd = self.random
        put = lambda table, **row: rows[table].append(row) if table in rows else None
        for n in range(rnd.randrange(4)):
            api = {"uuid": self.uuid(), "text": rnd.choice([" 12345 ", "x", ""]), None: None}.get(self.api_type, 12345)
            put("telegram_accounts", id=self.key(self.id_type), name=f"Акаунт {n}",
                phone=rnd.choice([f"+48 600 00{n}", f"48600 00{n}", None]), session_string=rnd.choice(["s", ""]),
                api_id=rnd.choice([api, None]), api_hash=rnd.choice([HASH, None, "short"]),
                is_active=rnd.choice([True, False, None]), created_at=START + timedelta(minutes=n))
        boxes = rnd.randrange(4)
        for n in range(boxes):
            put("manager_smtp_accounts", id=n + 1, name=f"Пошта {n}",
                email=rnd.choice([f"box{n}@example.org", f" Box{n}@Example.org", "box0@example.org", "no address"]),
                smtp_host=rnd.choice([" smtp.example.org ", "bad host!"]), smtp_port=587, smtp_user="u",
                smtp_password=rnd.choice(["p", ""]), imap_host=rnd.choice([None, " imap.example.org"]), imap_port=993,
                is_active=True)
        users = [self.key(self.user_id) for _ in range(3)]
        for n, key in enumerate(users):
            put("users", id=key, email=f"u{n}@example.org", first_name=["Марія", "Іван", None][n],
                last_name=["Коваль", None, None][n], role="MANAGER", is_active=rnd.choice([True, False, None]))
        clients = [self.uuid() for _ in range(12)]
        for n, key in enumerate(clients):
            put("crm_clients", id=key, full_name=f"Клієнт {n}",
                email=rnd.choice([None, f"Client{n}@Example.com", "nonsense"]),
                phone=rnd.choice(["", "000000000", f"+48 500 100 2{n:02}", f"@client{n}", "12345"]), source="manual")
        notes = 0
        for n in range(36):
            kind = rnd.randrange(10)
            group = None
            if kind < 4:
                who = rnd.randrange(9)
                address = f"client{who}@example.com"
                external = rnd.choice([address, address.upper(), f"Клієнт {who} <{address}>"])
                platform = rnd.choice(["email", "EMAIL", "PlatformEnum.EMAIL"])
            elif kind < 7:
                who = rnd.randrange(9)
                external = rnd.choice([f"+4850010020{who}", f"@Client{who}", f"@client{who}", str(5000 + who)])
                platform = rnd.choice(["telegram", "TELEGRAM", "PlatformEnum.TELEGRAM", "email"])
            elif kind < 9:
                group = -1_001_234_567_000 - rnd.randrange(4)
                who = rnd.randrange(9)
                external = str(group) if self.merged else rnd.choice([f"+4850010020{who}", f"@client{who}", str(group)])
                platform = rnd.choice(["telegram", "email"])
            else:
                who, external, platform = 0, "48600100200", rnd.choice(["whatsapp", "instagram"])
            key = self.uuid()
            manager = rnd.choice([None, *users]) if self.user_id == "uuid" else None
            put("communications_conversations", id=key, client_id=rnd.choice([None, None, *clients, self.uuid()]),
                platform=platform, external_id=external, subject=rnd.choice([None, "Переклад договору", f"Тема {n}"]),
                created_at=self.moment(), manager_smtp_account_id=rnd.choice([None, 1, 2, 3, 99]) if kind < 4 else None,
                assigned_manager_id=rnd.choice([manager, self.uuid()]), is_archived=rnd.choice([True, True, False, None]),
                last_message_at=rnd.choice([None, self.moment()]))
            for _ in range(rnd.choice([0, 1, 3, 12, 20])):
                self.message(put, key, kind, who, group)
            for _ in range(rnd.randrange(3)):
                notes += 1
                put("internal_notes", id=notes, entity_type=rnd.choice(["chat", "chat", "order"]),
                    entity_id=rnd.choice([key, self.uuid(), "5"]), author_name="Марія",
                    text=rnd.choice(["Чекає на рахунок", "Зателефонувати", "a\tb\\N"]), created_at=self.moment())
        for _ in range(5):
            self.message(put, self.uuid(), 0, 0, None)

    def message(self, put, conversation, kind, who, group):
        rnd = self.random
        key, at = self.uuid(), self.moment()
        out = rnd.random() < 0.3
        direction = rnd.choice(["outbound", "OUTBOUND", "MessageDirection.OUTBOUND"] if out else
                               ["inbound", "inbound", "MessageDirection.INBOUND"])
        meta = None
        if out:
            meta = rnd.choice([None, {"author_name": "Марія", "sent_from_crm": True}])
        elif kind >= 4:
            meta = {"telegram_chat_id": group or 5000 + who, "is_group_message": group is not None,
                    "telegram_user_id": 5000 + who, "telegram_username": f"client{who}"}
            meta = rnd.choice([meta, meta, meta, None])
        text = rnd.choice(["ok", "Доброго дня!", "**Ціна** [сайт](https://example.org)", "", "рядок\r\nдругий\t\\N 👍",
                           "[Image: photo.jpg]"]) + rnd.choice(["", f" {rnd.randrange(999)}"])
        files, listed = [], []
        for _ in range(rnd.choice([0, 0, 0, 1, 2])):
            name, content = f"{self.uuid()}{rnd.choice(['.pdf', '.jpg', ''])}", f"file {rnd.randrange(12)}".encode()
            there = rnd.random() < 0.85
            at_home = self.folder / rnd.choice(["attachments", "uploads/messages"])
            if there:
                at_home.mkdir(parents=True, exist_ok=True)
                (at_home / name).write_bytes(content)
            file = {"id": self.uuid(), "type": "document", "filename": f"Файл {rnd.randrange(99)}.pdf",
                    "mime_type": "application/pdf", "size": len(content),
                    "url": rnd.choice(["/media/", "/api/v1/communications/media/attachments/",
                                       "/api/v1/communications/files/", ""]) + name}
            where = rnd.choice(["row", "list", "both"]) if self.attachments else "list"
            if where != "list":
                path = rnd.choice([f"attachments/{name}", f"/app/media/attachments/{name}", name])
                put("communications_attachments", id=file["id"], message_id=key, file_path=path, file_type="document",
                    mime_type="application/pdf", original_name=file["filename"], file_size=rnd.choice([len(content), None]),
                    created_at=at)
            if where != "row":
                listed.append(file)
        write = lambda value: None if value is None else json.dumps(value, ensure_ascii=False)
        external = rnd.choice([None, "", f"<{rnd.randrange(400)}@example.com>", f"{rnd.randrange(400)}@example.com"])
        sent = rnd.choice([None, at, at + timedelta(seconds=40), at - timedelta(hours=2), at + timedelta(hours=3)])
        put("communications_messages", id=key, conversation_id=conversation,
            direction=rnd.choice([direction] * 30 + ["sideways"]), type=rnd.choice(["text", "html", "document"]),
            content=text, status=rnd.choice(["queued", "sent", "failed"] if out else ["sent", "read", "read"]),
            attachments=write(listed or None), meta_data=write(meta), is_from_me=rnd.choice([None, out]),
            sent_at=sent if out else None, external_id=external if kind < 4 and not out else None,
            created_at=rnd.choice([at] * 40 + [None]))


# The reading.

def rows_of(connection, schema, table):
    found = connection.execute("SELECT to_regclass(%s) AS found", [f'"{schema}".{table}']).fetchone()["found"]
    return connection.execute(f'SELECT * FROM "{schema}".{table}').fetchall() if found else []


def word(text):
    return (text or "").rsplit(".", 1)[-1].strip().lower()


def as_json(value):
    return json.loads(value) if isinstance(value, str) else value


def digits(text):
    return "".join(c for c in text if c in "0123456789")


def address(external):
    inside = external.rsplit("<", 1)[1].split(">")[0] if "<" in external else external
    return inside.strip().lower()


def is_address(text):
    name, at, host = text.partition("@")
    return bool(name and at and "." in host and " " not in text)


class Reading:
    """What should have come over, by the rules of the old system's description."""

    def __init__(self, connection, folder):
        self.schema = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'communications_messages'"
        ).fetchone()["table_schema"]
        read = lambda table: rows_of(connection, self.schema, table)
        self.files = {path.name: path for path in Path(folder).rglob("*") if path.is_file()}
        self.rows = defaultdict(list)
        for row in read("communications_attachments"):
            self.rows[str(row["message_id"])].append(row)
        self.users = {str(u["id"]): " ".join(filter(None, [u["first_name"], u["last_name"]])) or u["email"] for u in read("users")}
        self.clients = {str(c["id"]): c for c in read("crm_clients")}
        self.notes = read("internal_notes")
        self.boxes = {b["id"]: address(b["email"]) for b in read("manager_smtp_accounts") if is_address(address(b["email"]))}
        self.telegram = sorted(read("telegram_accounts"), key=lambda a: (a["created_at"], str(a["id"])))
        messages = read("communications_messages")
        self.conversations = {str(c["id"]): c for c in read("communications_conversations")}
        self.chats = {str(m["id"]): (as_json(m["meta_data"]) or {}).get("telegram_chat_id") for m in messages}
        most = defaultdict(Counter)
        for m in messages:
            if self.chats[str(m["id"])]:
                most[str(m["conversation_id"])][self.chats[str(m["id"])]] += 1
        self.chat_of = {key: max(chats, key=lambda chat: (chats[chat], chat)) for key, chats in most.items()}
        self.by_handle = {}
        for key, c in sorted(self.conversations.items(), key=lambda item: (item[1]["created_at"], item[0])):
            handle = self.handle(c["external_id"])
            if handle and self.chat_of.get(key, 0) > 0:
                self.by_handle.setdefault(handle, self.chat_of[key])
        self.key_of = {key: self.key(key, c) for key, c in self.conversations.items()}
        self.messages, self.twice = self.read_messages(messages)

    def handle(self, external):
        if external.startswith("+"):
            return "+" + digits(external)
        return external.lower() if external.startswith("@") else None

    def key(self, key, c):
        """Network and correspondent; None: it does not come over."""
        platform, external = word(c["platform"]), c["external_id"]
        chat = self.chat_of.get(key)
        if platform not in ("email", "telegram"):
            return None
        looks_like_telegram = "@" not in external.strip("@ ") and (
            external[:1] in "+@" or external.lstrip("-").isdigit())
        if platform == "telegram" or chat or looks_like_telegram:
            handle = self.handle(external)
            if not chat and handle:
                chat = self.by_handle.get(handle)
            if not chat and not handle:
                chat = int(external)
            return ("telegram", str(chat) if chat else handle)
        box = self.boxes.get(c.get("manager_smtp_account_id"))
        if box is None:
            known = set(self.boxes.values())
            box = known.pop() if len(known) == 1 else ""
        return ("email", box, address(external))

    def moment(self, m, out):
        at = m["created_at"] or m["sent_at"] or self.conversations[str(m["conversation_id"])]["created_at"]
        sent = m["sent_at"]
        # What its program wrote by itself may be off by an offset of whole hours.
        return sent if out and sent and abs(sent - at) < timedelta(minutes=15) else at

    def read_files(self, m):
        """Each file once: its name and the hash of its bytes, None where it is gone."""
        found, names, ids = [], set(), set()
        for row in self.rows[str(m["id"])]:
            name = row["file_path"].rsplit("/", 1)[-1]
            found.append((row["original_name"], name))
            names.add(name), ids.add(str(row["id"]))
        for item in as_json(m["attachments"]) or []:
            name = item["url"].rsplit("/", 1)[-1]
            if name not in names and item["id"] not in ids:
                found.append((item["filename"], name))
                names.add(name), ids.add(item["id"])
        content = lambda name: hashlib.sha256(self.files[name].read_bytes()).hexdigest() if name in self.files else None
        return sorted(((shown, content(name)) for shown, name in found), key=str)

    def read_messages(self, messages):
        come, twice = {}, defaultdict(list)
        for m in messages:
            key = self.key_of.get(str(m["conversation_id"]))
            direction = {"inbound": "in", "outbound": "out"}.get(word(m["direction"]))
            if direction is None and m.get("is_from_me") is not None:
                direction = "out" if m["is_from_me"] else "in"
            if key is None or direction is None:
                continue
            out = direction == "out"
            if key[0] == "telegram" and self.chats[str(m["id"])]:
                key = ("telegram", str(self.chats[str(m["id"])]))
            status = word(m["status"])
            rfc = (m.get("external_id") or "").strip("<> ") if key[0] == "email" else ""
            come[str(m["id"])] = {
                "key": key, "direction": direction, "at": self.moment(m, out).isoformat(), "text": m["content"],
                "status": status, "read": out or status == "read", "files": self.read_files(m),
                # Where no mailbox is known, it may be the mail of any.
                "guessed": key[0] == "email" and
                           self.conversations[str(m["conversation_id"])].get("manager_smtp_account_id") not in self.boxes,
            }
            if rfc:
                twice[rfc].append(str(m["id"]))
        return come, twice


def compare(old, new, folder):
    reading = Reading(old, folder)
    wrong = []
    tell = lambda what, *more: wrong.append([what, *map(str, more)])

    ours = {}
    query = """
        SELECT a.old_id, a.message_id::text AS message, a.status, a.missing_files, m.direction, m.seen, m.body_text,
               m.received_at, a.account_id::text || ' ' || coalesce(c.merged_into, c.id) AS conversation, t.channel,
               ARRAY(SELECT f.name || '|' || encode(f.sha256, 'hex') || '|' || f.size FROM skrynka.attachments f
                     WHERE f.account_id = m.account_id AND f.message_id = m.id) AS files,
               ARRAY(SELECT encode(sha256(string_agg(b.bytes, ''::bytea ORDER BY b.chunk)), 'hex')
                     FROM skrynka.attachments f JOIN skrynka.blob_chunks b USING (account_id, sha256)
                     WHERE f.account_id = m.account_id AND f.message_id = m.id GROUP BY f.id) AS contents
        FROM skrynka.adopted_messages a JOIN skrynka.messages m ON m.account_id = a.account_id AND m.id = a.message_id
        JOIN skrynka.conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
        JOIN skrynka.accounts t ON t.id = m.account_id"""
    for row in new.execute(query):
        ours[row["old_id"]] = row
    for gone in sorted(set(reading.messages) - set(ours)):
        tell("missing", gone, reading.messages[gone])
    for more in sorted(set(ours) - set(reading.messages)):
        tell("should not have come", more)

    # Rows that share a mail are one message: it is one of them.
    box = lambda one: reading.messages[one]["key"][1]
    guessed = lambda one: reading.messages[one]["guessed"]
    same, twice = {}, {}
    for ids in reading.twice.values():
        for one in ids:
            same[one] = [other for other in ids if box(other) == box(one) or guessed(one) or guessed(other)]
            twice[one] = [other for other in ids if box(other) == box(one) and not guessed(one) and not guessed(other)]
    for old_id in sorted(set(reading.messages) & set(ours)):
        row = ours[old_id]
        here = {
            "direction": row["direction"], "at": row["received_at"].astimezone(timezone.utc).isoformat(),
            "text": row["body_text"], "read": row["seen"],
            "files": sorted([(f.split("|")[0], f.split("|")[1]) for f in row["files"]], key=str),
        }
        if Counter(f.split("|")[1] for f in row["files"]) != Counter(row["contents"]):
            tell("bytes", old_id, row["files"], row["contents"])
        ids = same.get(old_id, [old_id])
        expected = []
        for one in ids:
            there = reading.messages[one]
            expected.append({name: there[name] for name in ("direction", "text", "read")} | {
                "at": datetime.fromisoformat(there["at"]).astimezone(timezone.utc).isoformat(),
                "files": [file for file in there["files"] if file[1]]})
        if here not in expected:
            tell("differs", old_id, here, expected)
        if len(ids) == 1:
            missing = sorted(name for name, content in reading.messages[old_id]["files"] if content is None)
            if missing != sorted(row["missing_files"]):
                tell("missing files", old_id, missing, row["missing_files"])
        if row["status"] != reading.messages[old_id]["status"]:
            tell("status", old_id, row["status"])
        if row["channel"] != reading.messages[old_id]["key"][0]:
            tell("channel", old_id, row["channel"])
        if {ours[one]["message"] for one in twice.get(old_id) or [old_id] if one in ours} != {row["message"]}:
            tell("a mail stands twice", ids)

    # Conversations: the same messages stand together on both sides.
    there, here = defaultdict(set), defaultdict(set)
    for old_id, row in ours.items():
        if old_id in reading.messages and len(same.get(old_id, [old_id])) == 1:
            there[reading.messages[old_id]["key"]].add(old_id)
            here[row["conversation"]].add(old_id)
    for group in there.values():
        if group not in here.values():
            tell("grouped otherwise", sorted(group)[:3], len(group))
    if len(there) != len(here):
        tell("conversations", len(there), len(here))

    standing = {f"{row['account_id']} {row['id']}": row for row in new.execute(
        "SELECT account_id, id, triage, assignee, contact_id, unread_count, message_count FROM skrynka.conversations")}
    of_key = {key: ours[next(iter(group))]["conversation"] for key, group in there.items()}
    rows_of_key = defaultdict(list)
    for key, c in reading.conversations.items():
        rows_of_key[reading.key_of[key]].append(c)
    for key, conversation in of_key.items():
        row, old_rows = standing[conversation], rows_of_key[key]
        unread = {ours[one]["message"] for one, m in reading.messages.items()
                  if one in ours and ours[one]["conversation"] == conversation and not ours[one]["seen"]}
        if row["unread_count"] != len(unread):
            tell("unread", key, row["unread_count"], len(unread))
        archived = bool(old_rows) and all(c.get("is_archived") for c in old_rows) and not unread
        if (row["triage"] == "done") != archived:
            tell("archived", key, row["triage"], archived)
        managers = {reading.users.get(str(c.get("assigned_manager_id"))) for c in old_rows} - {None}
        if row["assignee"] not in (managers or {None}):
            tell("assignee", key, row["assignee"], managers)
        clients = {str(c["client_id"]) for c in old_rows} & set(reading.clients)
        if clients and row["contact_id"]:
            known = {r["our_id"] for r in new.execute(
                "SELECT our_id FROM skrynka.adopted_rows WHERE kind = 'client' AND old_id = %s", [min(clients)])}
            if not known:
                tell("client", key, clients)

    handles = {(r["kind"], r["value"]) for r in new.execute("SELECT kind, value FROM skrynka.contact_handles")}
    for key, client in reading.clients.items():
        mail, phone = address(client["email"] or ""), client["phone"] or ""
        wanted = [("email", mail)] if is_address(mail) else []
        if phone.startswith("@"):
            wanted.append(("telegram_username", phone[1:].lower()))
        elif phone.startswith("+"):
            wanted.append(("phone", "+" + digits(phone)))
        for handle in wanted:
            if handle not in handles:
                tell("handle", key, handle)

    expected = Counter()
    for note in reading.notes:
        key = reading.key_of.get(note["entity_id"])
        if note["entity_type"] == "chat" and key in of_key:
            expected[(of_key[key], note["author_name"], note["text"], note["created_at"])] += 1
    found = Counter((f"{n['account_id']} {n['conversation_id']}", n["author"], n["body_text"], n["written_at"])
                    for n in new.execute("SELECT * FROM skrynka.adopted_notes"))
    if expected != found:
        tell("notes", expected - found, found - expected)

    accounts = {r["phone"]: r for r in new.execute(
        "SELECT t.phone, t.api_id, a.name, a.enabled FROM skrynka.telegram_accounts t JOIN skrynka.accounts a ON a.id = t.account_id")}
    for account in reading.telegram:
        phone = "+" + digits(account["phone"]) if account["phone"] else ""
        if phone not in accounts or accounts[phone]["enabled"]:
            tell("account", account["name"], phone)
    boxes = {r["address"] for r in new.execute("SELECT address FROM skrynka.email_accounts")}
    shelved = {r["old_id"] for r in new.execute("SELECT old_id FROM skrynka.adopted_rows WHERE kind = 'mailbox'")}
    for box in set(reading.boxes.values()) - boxes - shelved:
        tell("mailbox", box)
    files = sum(len(m["files"]) for m in reading.messages.values())
    return {"wrong": wrong[:20], "count": len(wrong), "schema": reading.schema, "messages": len(reading.messages),
            "conversations": len(there), "files": files, "notes": sum(found.values())}


def main():
    what, *arguments = sys.argv[1:]
    with psycopg.connect(os.environ["OLD"], row_factory=dict_row, options="-c timezone=UTC") as old:
        if what == "make":
            maker = Maker(int(arguments[0]), arguments[1])
            Path(arguments[1]).mkdir(parents=True, exist_ok=True)
            maker.run(old)
            return
        with psycopg.connect(os.environ["NEW"], row_factory=dict_row, options="-c timezone=UTC") as new:
            print(json.dumps(compare(old, new, arguments[0]), ensure_ascii=False))


main()
