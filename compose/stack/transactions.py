"""Makes the transactions of the traffic: realistic ones, and those that are
hard for a pipeline (rollbacks, savepoints, a key deleted and made again, a
changed key, many rows at once). Everything is drawn from one seed."""

import hashlib

from .psql import literal

WORDS = ("neon", "harbour", "velvet", "paper", "élan", "静か", "déjà vu",
         "O'Neil", 'say "hi"', "back\\slash", "a,b", "🎧 mix", "tab\there",
         "two\nlines", "{brace}", "")
STATUSES = ("PENDING", "CONFIRMED", "FAILED", "REFUNDED")
TABLES = ("User", "Creator", "Content", "NFT", "Transaction",
          "RoyaltyPayment")


class Keys:
    """Ids of one table that are believed to exist: pick, add, remove."""

    def __init__(self, ids=()):
        self.ids = list(ids)

    def __len__(self):
        return len(self.ids)

    def pick(self, rng):
        return self.ids[rng.randrange(len(self.ids))]

    def take(self, rng):
        at = rng.randrange(len(self.ids))
        self.ids[at], self.ids[-1] = self.ids[-1], self.ids[at]
        return self.ids.pop()


class Maker:
    """next() gives the statements of one transaction, in order.

    keys: {table: Keys}; run: a number that no other run has.
    """

    def __init__(self, rng, keys, seed, run):
        self.rng = rng
        self.keys = keys
        self.prefix = f"{seed}:{run}:"
        self.count = 0
        self.fresh_nfts = Keys()
        self.fresh_users = Keys()
        self.kinds = [
            (self.touch, 30), (self.purchase, 14), (self.signup, 10),
            (self.publish, 8), (self.pay, 8), (self.erase, 12),
            (self.many_updates, 3), (self.many_inserts, 3),
            (self.rolled_back, 4), (self.savepoints, 4),
            (self.short_life, 2), (self.rebirth, 2), (self.new_key, 1),
            (self.long_text, 1),
        ]

    def next(self):
        makers = [maker for maker, _ in self.kinds]
        weights = [weight for _, weight in self.kinds]
        return self.rng.choices(makers, weights)[0]()

    # -- values -----------------------------------------------------------

    def id(self):
        self.count += 1
        text = f"{self.prefix}{self.count}".encode()
        return "c" + hashlib.md5(text).hexdigest()[:24]

    def number(self, bound, scale):
        """A decimal below bound with `scale` digits, as text."""
        digits = self.rng.randrange(bound * 10 ** scale)
        text = str(digits).rjust(scale + 1, "0")
        return f"{text[:-scale]}.{text[-scale:]}"

    def words(self, most=4):
        count = self.rng.randint(1, most)
        return " ".join(self.rng.choice(WORDS) for _ in range(count))

    def maybe(self, sql):
        return "NULL" if self.rng.random() < 0.15 else sql

    def json(self):
        big = 9007199254740993 + self.rng.randrange(1000)
        return (f"jsonb_build_object('n', {big}, 'd', "
                f"{self.number(10, 6)}, 's', {literal(self.words())}::text, "
                "'z', NULL)")

    def wallet(self):
        return "'0x" + "%040x'" % self.rng.getrandbits(160)

    # -- single rows ------------------------------------------------------

    def insert_user(self, key):
        pick = self.rng.choice
        return (
            'INSERT INTO "User" ("id", "email", "displayName", "role", '
            '"walletAddress", "birthDate", "reputation", "balance", '
            '"interests", "preferences", "lastLoginAt") VALUES ('
            f"'{key}', '{key}@example.org', {literal(self.words())}, "
            f"'{pick(('FAN', 'CURATOR', 'ADMIN'))}', "
            f"{self.maybe(self.wallet())}, "
            f"{self.maybe('date %s' % literal(self.day()))}, "
            f"{self.rng.random() * 1e3!r}, {self.number(10 ** 6, 8)}, "
            f"ARRAY[{literal(self.words())}, NULL, 'x'], {self.json()}, "
            f"{self.maybe('clock_timestamp()')})")

    def day(self):
        rng = self.rng
        return f"{rng.randint(1900, 2090)}-{rng.randint(1, 12):02}-" \
               f"{rng.randint(1, 28):02}"

    def insert_creator(self, key, user):
        return (
            'INSERT INTO "Creator" ("id", "userId", "stageName", "bio", '
            '"genres", "royaltyRate", "totalEarnings", "rating", '
            '"followerCount", "socialLinks") VALUES ('
            f"'{key}', '{user}', {literal(self.words())}, "
            f"{self.maybe(literal(self.words(12)))}, "
            f"{self.maybe('ARRAY[%s]' % literal(self.words()))}, "
            f"{self.number(1, 4)}, {self.number(10 ** 5, 18)}, "
            f"{self.maybe(self.number(5, 1))}, "
            f"{self.rng.randrange(2 ** 62)}, {self.maybe(self.json())})")

    def insert_content(self, key):
        creator = self.keys["Creator"].pick(self.rng)
        bits = "%032x" % self.rng.getrandbits(128)
        return (
            'INSERT INTO "Content" ("id", "creatorId", "title", '
            '"description", "type", "slug", "price", "duration", '
            '"sizeBytes", "fileHash", "tags", "chapters", "metadata", '
            '"isPublished", "publishedAt") VALUES ('
            f"'{key}', '{creator}', {literal(self.words())}, "
            f"{self.maybe(literal(self.words(20)))}, "
            f"'{self.rng.choice(('MUSIC', 'VIDEO', 'IMAGE'))}', '{key}', "
            f"{self.maybe(self.number(10 ** 4, 2))}, "
            f"{self.maybe('interval %s' % literal(self.length()))}, "
            f"{self.rng.randrange(2 ** 63)}, "
            f"{self.maybe('decode(%s, %s)' % (literal(bits), literal('hex')))}"
            f", ARRAY[{literal(self.words())}], "
            f"{self.maybe('ARRAY[1, NULL, %d]' % self.rng.randrange(99))}, "
            f"{self.maybe(self.json())}, {self.rng.random() < 0.5}, "
            f"{self.maybe('clock_timestamp()')})")

    def length(self):
        return f"{self.rng.randrange(9)}:{self.rng.randrange(60):02}:" \
               f"{self.rng.randrange(60):02}.{self.rng.randrange(10 ** 6):06}"

    def insert_nft(self, key, content):
        owner = self.keys["User"].pick(self.rng)
        uuid = "%032x" % self.rng.getrandbits(128)
        return (
            'INSERT INTO "NFT" ("id", "contentId", "ownerId", "externalId", '
            '"tokenId", "contract", "edition", "mintPrice", "royaltyBps", '
            '"traits", "provenance", "mintedAt") VALUES ('
            f"'{key}', '{content}', '{owner}', '{uuid}', "
            f"{self.rng.getrandbits(256)}, {self.wallet()}, "
            f"{self.rng.randrange(500)}, "
            f"{self.maybe(self.number(10 ** 9, 18))}, "
            f"{self.rng.randrange(2000)}, {self.maybe(self.json())}, "
            f"'{{\"a\": 1.50,\n \"b\": [1e2, {self.rng.randrange(9)}]}}', "
            "clock_timestamp())")

    def insert_transaction(self, key):
        nft = self.keys["NFT"].pick(self.rng)
        seller = self.keys["User"].pick(self.rng)
        buyer = self.keys["User"].pick(self.rng)
        return (
            'INSERT INTO "Transaction" ("id", "nftId", "sellerId", '
            '"buyerId", "status", "amount", "fee", "blockNumber", "txHash", '
            '"ipAddress", "details", "occurredAt") VALUES ('
            f"'{key}', '{nft}', '{seller}', '{buyer}', "
            f"'{self.rng.choice(STATUSES)}', {self.number(10 ** 6, 18)}, "
            f"{self.number(10, self.rng.randint(1, 12))}, "
            f"{self.rng.randrange(2 ** 40)}, "
            f"{self.maybe(literal('0x%064x' % self.rng.getrandbits(256)))}, "
            f"{self.maybe(literal('192.0.2.%d' % self.rng.randrange(256)))}, "
            f"{self.maybe(self.json())}, clock_timestamp())")

    def insert_payment(self, key, transaction):
        creator = self.keys["Creator"].pick(self.rng)
        return (
            'INSERT INTO "RoyaltyPayment" ("id", "transactionId", '
            '"creatorId", "amount", "share", "periodStart", "periodEnd", '
            '"cutoffTime", "note") VALUES ('
            f"'{key}', '{transaction}', '{creator}', "
            f"{self.number(10 ** 4, 18)}, {self.number(1, 6)}, "
            f"date '{self.day()}', current_date, "
            f"time '00:00' + interval '{self.rng.randrange(86399)}.25 s', "
            f"{self.maybe(literal(self.words()))})")

    def update(self, table, key):
        sets = {
            "User": f'"balance" = "balance" + {self.number(10, 8)}, '
                    '"loginCount" = "loginCount" + 1, '
                    '"lastLoginAt" = clock_timestamp()',
            "Creator": f'"totalEarnings" = {self.number(10 ** 6, 18)}, '
                       f'"bio" = {self.maybe(literal(self.words(9)))}',
            "Content": '"viewCount" = "viewCount" + 1, '
                       f'"price" = {self.maybe(self.number(999, 2))}',
            "NFT": f'"mintPrice" = {self.number(10 ** 3, 18)}, '
                   f'"traits" = {self.maybe(self.json())}',
            "Transaction": '"confirmations" = "confirmations" + 1, '
                           f"\"status\" = '{self.rng.choice(STATUSES)}', "
                           f'"fee" = {self.number(9, 7)}',
            "RoyaltyPayment": '"isPaid" = NOT "isPaid", '
                              f'"paidAt" = {self.maybe("clock_timestamp()")}',
        }
        return (f'UPDATE "{table}" SET {sets[table]}, '
                f"\"updatedAt\" = clock_timestamp() WHERE \"id\" = '{key}'")

    def update_any(self):
        table = self.rng.choice(TABLES)
        return self.update(table, self.keys[table].pick(self.rng))

    # -- transactions -----------------------------------------------------

    def touch(self):
        return [self.update_any()]

    def signup(self):
        user = self.id()
        statements = [self.insert_user(user)]
        self.keys["User"].ids.append(user)
        if self.rng.random() < 0.2:
            creator = self.id()
            statements.append(self.insert_creator(creator, user))
            self.keys["Creator"].ids.append(creator)
        else:
            self.fresh_users.ids.append(user)
        return statements

    def publish(self):
        content = self.id()
        statements = [self.insert_content(content)]
        for _ in range(self.rng.randint(1, 3)):
            nft = self.id()
            statements.append(self.insert_nft(nft, content))
            self.fresh_nfts.ids.append(nft)
        self.keys["Content"].ids.append(content)
        return statements

    def purchase(self):
        """Six rows of five tables."""
        key, payment = self.id(), self.id()
        statements = [
            self.insert_transaction(key),
            self.insert_payment(payment, key),
            self.update("NFT", self.keys["NFT"].pick(self.rng)),
            self.update("User", self.keys["User"].pick(self.rng)),
            self.update("User", self.keys["User"].pick(self.rng)),
            self.update("Creator", self.keys["Creator"].pick(self.rng)),
        ]
        self.keys["Transaction"].ids.append(key)
        self.keys["RoyaltyPayment"].ids.append(payment)
        return statements

    def pay(self):
        payment = self.id()
        transaction = self.keys["Transaction"].pick(self.rng)
        self.keys["RoyaltyPayment"].ids.append(payment)
        return [self.insert_payment(payment, transaction)]

    def erase(self):
        """Deletes a payment, a transaction with its payments, or an NFT or
        user that nothing depends on."""
        fresh = self.rng.choice((("NFT", self.fresh_nfts),
                                 ("User", self.fresh_users)))
        if self.rng.random() < 0.3 and len(fresh[1]) > 10:
            table, key = fresh[0], fresh[1].take(self.rng)
            if table == "User":
                self.keys["User"].ids.remove(key)
        else:
            table = self.rng.choice(("RoyaltyPayment", "Transaction"))
            if len(self.keys[table]) < 200:
                return self.pay()
            key = self.keys[table].take(self.rng)
        return [f"DELETE FROM \"{table}\" WHERE \"id\" = '{key}'"]

    def many_updates(self):
        ids = {self.keys["Content"].pick(self.rng)
               for _ in range(self.rng.randint(5, 30))}
        wanted = ", ".join(f"'{key}'" for key in sorted(ids))
        return ['UPDATE "Content" SET "viewCount" = "viewCount" + 1, '
                '"updatedAt" = clock_timestamp() '
                f'WHERE "id" IN ({wanted})']

    def many_inserts(self):
        statements = []
        for _ in range(self.rng.randint(5, 30)):
            key = self.id()
            statements.append(self.insert_transaction(key))
            self.keys["Transaction"].ids.append(key)
        return statements

    def rolled_back(self):
        key = self.id()
        return [self.insert_transaction(key), self.update_any(),
                self.insert_payment(self.id(), key), "ROLLBACK"]

    def savepoints(self):
        key = self.id()
        table = self.rng.choice(TABLES)
        same = self.keys[table].pick(self.rng)
        self.keys["Transaction"].ids.append(key)
        return [self.insert_transaction(key), self.update(table, same),
                "SAVEPOINT a", self.update(table, same), self.update_any(),
                "ROLLBACK TO SAVEPOINT a", "SAVEPOINT b",
                self.update(table, same), "RELEASE SAVEPOINT b"]

    def short_life(self):
        """Made, changed and deleted in one transaction."""
        key = self.id()
        return [self.insert_transaction(key), self.update("Transaction", key),
                f"DELETE FROM \"Transaction\" WHERE \"id\" = '{key}'",
                self.update_any()]

    def rebirth(self):
        """A key is deleted and made again in one transaction."""
        key = self.keys["Transaction"].pick(self.rng)
        return [f"DELETE FROM \"Transaction\" WHERE \"id\" = '{key}'",
                self.insert_transaction(key)]

    def new_key(self):
        keys = self.keys["RoyaltyPayment"]
        old, new = keys.take(self.rng), self.id()
        keys.ids.append(new)
        return [f"UPDATE \"RoyaltyPayment\" SET \"id\" = '{new}', "
                "\"updatedAt\" = clock_timestamp() "
                f"WHERE \"id\" = '{old}'"]

    def long_text(self):
        """A value that is stored out of line."""
        key = self.keys["Content"].pick(self.rng)
        text = " ".join("%032x" % self.rng.getrandbits(128)
                        for _ in range(300))
        return [f"UPDATE \"Content\" SET \"description\" = '{text}', "
                "\"updatedAt\" = clock_timestamp() "
                f"WHERE \"id\" = '{key}'"]
