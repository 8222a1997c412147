"""The six tables of the sample data, and one row for each of them."""

TABLES = ("User", "Creator", "Content", "NFT", "Transaction",
          "RoyaltyPayment")

# One statement per table; %(n)s makes ids of its own. Each refers to the row
# before it.
INSERTS = {
    "User": """
        INSERT INTO "User" ("id", "email", "displayName", "role",
            "walletAddress", "birthDate", "balance", "interests",
            "preferences", "lastLoginAt")
        VALUES ('u' || %(n)s, %(n)s || '@example.org', 'Zoë "Z" \\ 世界',
            'CREATOR', '0xAb', '1987-02-28', 12345678901.12345678,
            ARRAY['a,b', '"q"', NULL], '{"deep": {"n": 9007199254740993}}',
            '2024-02-29 23:59:59.999999+00')""",
    "Creator": """
        INSERT INTO "Creator" ("id", "userId", "stageName", "genres",
            "royaltyRate", "totalEarnings", "rating", "followerCount")
        VALUES ('c' || %(n)s, 'u' || %(n)s, 'stage', '{}', 0.1250,
            99999999999999999999.999999999999999999, 4.25,
            9223372036854775807)""",
    "Content": """
        INSERT INTO "Content" ("id", "creatorId", "title", "type", "slug",
            "price", "duration", "sizeBytes", "fileHash", "chapters",
            "metadata")
        VALUES ('k' || %(n)s, 'c' || %(n)s, E'line\\nbreak', 'MUSIC',
            'slug-' || %(n)s, 9.90, '1 mon 02:03:04.5', 9007199254740993,
            '\\x00ff10', '{{1,2},{3,NULL}}', '[1, null, "x"]')""",
    "NFT": """
        INSERT INTO "NFT" ("id", "contentId", "ownerId", "externalId",
            "tokenId", "contract", "edition", "mintPrice", "royaltyBps",
            "provenance", "mintedAt")
        VALUES ('n' || %(n)s, 'k' || %(n)s, 'u' || %(n)s,
            md5(%(n)s)::uuid, repeat('9', 78)::numeric, '0xCd', -32768,
            0.000000000000000001, 250, '{ "a" : 1 }', now())""",
    "Transaction": """
        INSERT INTO "Transaction" ("id", "nftId", "sellerId", "amount",
            "fee", "blockNumber", "ipAddress", "occurredAt")
        VALUES ('t' || %(n)s, 'n' || %(n)s, 'u' || %(n)s, 1.5,
            0.10000000000000000000000000001, -9223372036854775808,
            '2001:db8::1/64', now())""",
    "RoyaltyPayment": """
        INSERT INTO "RoyaltyPayment" ("id", "transactionId", "creatorId",
            "amount", "share", "periodStart", "periodEnd", "cutoffTime")
        VALUES ('r' || %(n)s, 't' || %(n)s, 'c' || %(n)s, 7.77, 0.333333,
            '2024-01-01', '2024-01-31', '23:59:59.000001')""",
}

UPDATES = {
    "User": """UPDATE "User" SET "balance" = "balance" + 0.00000001,
        "displayName" = '', "lastLoginAt" = NULL WHERE "id" = 'u' || %(n)s""",
    "Creator": """UPDATE "Creator" SET "rating" = NULL, "genres" = NULL,
        "royaltyRate" = 0.0001 WHERE "id" = 'c' || %(n)s""",
    "Content": """UPDATE "Content" SET "metadata" = 'null', "viewCount" = 1,
        "isPublished" = true WHERE "id" = 'k' || %(n)s""",
    "NFT": """UPDATE "NFT" SET "ownerId" = NULL, "isBurned" = true,
        "provenance" = E'{\\n"b":\\t2}' WHERE "id" = 'n' || %(n)s""",
    "Transaction": """UPDATE "Transaction" SET "status" = 'CONFIRMED',
        "confirmations" = 2147483647 WHERE "id" = 't' || %(n)s""",
    "RoyaltyPayment": """UPDATE "RoyaltyPayment" SET "isPaid" = true,
        "paidAt" = now(), "note" = 'paid' WHERE "id" = 'r' || %(n)s""",
}

ID_PREFIX = {"User": "u", "Creator": "c", "Content": "k", "NFT": "n",
             "Transaction": "t", "RoyaltyPayment": "r"}


def insert(conn, number, upto=None):
    """One row into each table, the first `upto` of them."""
    for name in TABLES[:upto]:
        conn.execute(INSERTS[name], {"n": number})


def update(conn, number):
    for name in TABLES:
        conn.execute(UPDATES[name], {"n": number})


def delete(conn, number):
    """Children first: each delete is an event of its own."""
    for name in reversed(TABLES):
        conn.execute(f'DELETE FROM "{name}" WHERE "id" = %s',
                     (ID_PREFIX[name] + number,))
