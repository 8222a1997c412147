-- The six tables of the demonstration: a platform where creators publish
-- content, mint it as NFTs, and are paid royalties for each sale.
--
-- Identifiers are quoted and camelCase, ids are text, as an ORM makes them.
-- REPLICA IDENTITY FULL: an update or delete carries the whole old row.

CREATE TYPE "UserRole" AS ENUM ('FAN', 'CREATOR', 'CURATOR', 'ADMIN');
CREATE TYPE "ContentType" AS ENUM ('MUSIC', 'VIDEO', 'IMAGE', 'ARTICLE');
CREATE TYPE "TransactionStatus" AS ENUM
    ('PENDING', 'CONFIRMED', 'FAILED', 'REFUNDED');

CREATE TABLE "User" (
    "id"             text PRIMARY KEY,
    "email"          varchar(255) NOT NULL UNIQUE,
    "displayName"    text NOT NULL,
    "role"           "UserRole" NOT NULL DEFAULT 'FAN',
    "walletAddress"  char(42),
    "country"        char(3) NOT NULL DEFAULT 'DE',
    "birthDate"      date,
    "isVerified"     boolean NOT NULL DEFAULT false,
    "loginCount"     integer NOT NULL DEFAULT 0,
    "reputation"     double precision NOT NULL DEFAULT 0,
    "balance"        numeric(20,8) NOT NULL DEFAULT 0,
    "interests"      text[] NOT NULL DEFAULT '{}',
    "preferences"    jsonb NOT NULL DEFAULT '{}',
    "lastLoginAt"    timestamptz,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

CREATE TABLE "Creator" (
    "id"             text PRIMARY KEY,
    "userId"         text NOT NULL UNIQUE
                     REFERENCES "User" ("id") ON DELETE CASCADE,
    "stageName"      text NOT NULL,
    "bio"            text,
    "genres"         text[],
    "royaltyRate"    numeric(5,4) NOT NULL,
    "totalEarnings"  numeric(38,18) NOT NULL DEFAULT 0,
    "rating"         real,
    "followerCount"  bigint NOT NULL DEFAULT 0,
    "socialLinks"    jsonb,
    "payoutDay"      smallint NOT NULL DEFAULT 1,
    "isActive"       boolean NOT NULL DEFAULT true,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

CREATE TABLE "Content" (
    "id"             text PRIMARY KEY,
    "creatorId"      text NOT NULL
                     REFERENCES "Creator" ("id") ON DELETE CASCADE,
    "title"          text NOT NULL,
    "description"    text,
    "type"           "ContentType" NOT NULL,
    "slug"           varchar(120) NOT NULL UNIQUE,
    "price"          numeric(12,2),
    "currency"       char(3) NOT NULL DEFAULT 'EUR',
    "duration"       interval,
    "sizeBytes"      bigint NOT NULL,
    "viewCount"      bigint NOT NULL DEFAULT 0,
    "fileHash"       bytea,
    "tags"           text[] NOT NULL DEFAULT '{}',
    "chapters"       integer[],
    "metadata"       jsonb,
    "isPublished"    boolean NOT NULL DEFAULT false,
    "publishedAt"    timestamptz,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

CREATE TABLE "NFT" (
    "id"             text PRIMARY KEY,
    "contentId"      text NOT NULL
                     REFERENCES "Content" ("id") ON DELETE CASCADE,
    "ownerId"        text
                     REFERENCES "User" ("id") ON DELETE SET NULL,
    "externalId"     uuid NOT NULL UNIQUE,
    "tokenId"        numeric(78,0) NOT NULL,
    "contract"       char(42) NOT NULL,
    "edition"        smallint NOT NULL,
    "mintPrice"      numeric(38,18),
    "royaltyBps"     integer NOT NULL,
    "traits"         jsonb,
    "provenance"     json,
    "isBurned"       boolean NOT NULL DEFAULT false,
    "mintedAt"       timestamptz NOT NULL,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

CREATE TABLE "Transaction" (
    "id"             text PRIMARY KEY,
    "nftId"          text NOT NULL
                     REFERENCES "NFT" ("id") ON DELETE CASCADE,
    "sellerId"       text REFERENCES "User" ("id") ON DELETE SET NULL,
    "buyerId"        text REFERENCES "User" ("id") ON DELETE SET NULL,
    "status"         "TransactionStatus" NOT NULL DEFAULT 'PENDING',
    "amount"         numeric(38,18) NOT NULL,
    "fee"            numeric NOT NULL DEFAULT 0,
    "blockNumber"    bigint,
    "txHash"         text,
    "confirmations"  integer NOT NULL DEFAULT 0,
    "ipAddress"      inet,
    "details"        jsonb,
    "occurredAt"     timestamptz NOT NULL,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

CREATE TABLE "RoyaltyPayment" (
    "id"             text PRIMARY KEY,
    "transactionId"  text NOT NULL
                     REFERENCES "Transaction" ("id") ON DELETE CASCADE,
    "creatorId"      text NOT NULL
                     REFERENCES "Creator" ("id") ON DELETE CASCADE,
    "amount"         numeric(38,18) NOT NULL,
    "share"          numeric(7,6) NOT NULL,
    "periodStart"    date NOT NULL,
    "periodEnd"      date NOT NULL,
    "cutoffTime"     time NOT NULL DEFAULT '00:00',
    "isPaid"         boolean NOT NULL DEFAULT false,
    "paidAt"         timestamptz,
    "note"           text,
    "createdAt"      timestamp(3) NOT NULL DEFAULT now(),
    "updatedAt"      timestamp NOT NULL DEFAULT now()
);

-- Deletes of a parent look its children up.
CREATE INDEX ON "Content" ("creatorId");
CREATE INDEX ON "NFT" ("contentId");
CREATE INDEX ON "NFT" ("ownerId");
CREATE INDEX ON "Transaction" ("nftId");
CREATE INDEX ON "Transaction" ("sellerId");
CREATE INDEX ON "Transaction" ("buyerId");
CREATE INDEX ON "RoyaltyPayment" ("transactionId");
CREATE INDEX ON "RoyaltyPayment" ("creatorId");

ALTER TABLE "User" REPLICA IDENTITY FULL;
ALTER TABLE "Creator" REPLICA IDENTITY FULL;
ALTER TABLE "Content" REPLICA IDENTITY FULL;
ALTER TABLE "NFT" REPLICA IDENTITY FULL;
ALTER TABLE "Transaction" REPLICA IDENTITY FULL;
ALTER TABLE "RoyaltyPayment" REPLICA IDENTITY FULL;

-- compose/traffic takes a number per run, so that the ids of two runs with
-- one seed do not meet.
CREATE SEQUENCE "trafficRun";
