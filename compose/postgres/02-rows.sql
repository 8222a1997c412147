-- The first rows: 9,100 of them, the same on every machine. Everything is
-- drawn from md5 of a name and a number.

SET TIME ZONE 'UTC';

-- 0 to limit - 1
CREATE FUNCTION pg_temp.draw(name text, number bigint, bound bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(name || ':' || number), 1, 15))::bit(60)::bigint
           % bound
$$;

-- an id in the manner of cuid: 25 characters, c first
CREATE FUNCTION pg_temp.cuid(name text, number bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'c' || lpad(number::text, 6, '0') || substr(md5(name || number), 1, 18)
$$;

CREATE FUNCTION pg_temp.pick(name text, number bigint, options text[])
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT options[1 + pg_temp.draw(name, number, cardinality(options))]
$$;

-- a moment in 2023 to 2025, to the microsecond
CREATE FUNCTION pg_temp.moment(name text, number bigint)
RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamp '2023-01-01'
           + pg_temp.draw(name, number, 90000000000000) * interval '1 microsecond'
$$;

CREATE FUNCTION pg_temp.wallet(name text, number bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '0x' || substr(md5(name || number) || md5(number || name), 1, 40)
$$;

INSERT INTO "User"
SELECT pg_temp.cuid('user', i),
       lower(first) || '.' || i || '@' ||
           pg_temp.pick('host', i, '{example.com,example.org,mail.example}'),
       first || ' ' || last,
       CASE WHEN i <= 250 THEN 'CREATOR'
            ELSE pg_temp.pick('role', i, '{FAN,FAN,FAN,FAN,CURATOR,ADMIN}')
       END::"UserRole",
       CASE WHEN i % 7 <> 0 THEN pg_temp.wallet('wallet', i) END,
       pg_temp.pick('country', i, '{DE,FR,US,JP,BR,NG,IN,SE}'),
       CASE WHEN i % 5 <> 0
            THEN date '1950-01-01' + pg_temp.draw('birth', i, 20000)::int END,
       i % 3 = 0,
       pg_temp.draw('login', i, 5000)::int,
       pg_temp.draw('reputation', i, 1000000) / 997.0::float8,
       pg_temp.draw('balance', i, 10000000000000) * 0.00000001,
       CASE WHEN i % 11 = 0 THEN '{}' ELSE ARRAY[
           pg_temp.pick('interest', i, '{jazz,techno,film,poetry,3D}'),
           pg_temp.pick('taste', i, '{"deep house","a, b","\"quoted\"",NULL}')]
       END,
       jsonb_build_object(
           'theme', pg_temp.pick('theme', i, '{dark,light}'),
           'volume', pg_temp.draw('volume', i, 1000) / 10.0,
           'bigId', 9007199254740993 + i,
           'notify', jsonb_build_object('mail', i % 2 = 0, 'push', NULL)),
       CASE WHEN i % 9 <> 0 THEN pg_temp.moment('seen', i) END,
       pg_temp.moment('user', i),
       pg_temp.moment('user', i) + interval '1 hour'
FROM generate_series(1, 1500) AS i,
     LATERAL (SELECT
       pg_temp.pick('first', i, '{Aïcha,Björn,Chen,Dmitri,Eva,Fatima,Grace,José,李雷,Zoë}'),
       pg_temp.pick('last', i, '{O''Neil,"van der Berg",Müller,Okafor,Sørensen,"de la Cruz",王,"Smith \\ Sons"}')
     ) AS person (first, last);

INSERT INTO "Creator"
SELECT pg_temp.cuid('creator', i),
       pg_temp.cuid('user', i),
       pg_temp.pick('adjective', i, '{Silent,Neon,Velvet,Hollow,Golden}') || ' ' ||
           pg_temp.pick('noun', i, '{Fox,Harbour,Machine,Orchid,"Été"}') || ' ' || i,
       CASE WHEN i % 4 <> 0
            THEN E'Line one\nline two\t"quoted" \\ back 🎧 ' || md5('bio' || i) END,
       CASE WHEN i % 6 <> 0 THEN ARRAY[
           pg_temp.pick('genre', i, '{ambient,rock,folk,idm}'),
           pg_temp.pick('genre2', i, '{live,studio}')] END,
       pg_temp.draw('rate', i, 3000) * 0.0001,
       pg_temp.draw('earned', i, 900000000000000000) * 0.000000000000000001
           + pg_temp.draw('earned2', i, 100000),
       CASE WHEN i % 8 <> 0 THEN (pg_temp.draw('rating', i, 50) / 10.0)::real END,
       pg_temp.draw('followers', i, 5000000000),
       CASE WHEN i % 5 <> 0 THEN jsonb_build_object(
           'site', 'https://creator' || i || '.example/', 'handles',
           jsonb_build_array('@c' || i, NULL, i)) END,
       1 + pg_temp.draw('payout', i, 28),
       i % 13 <> 0,
       pg_temp.moment('creator', i),
       pg_temp.moment('creator', i) + interval '2 hours'
FROM generate_series(1, 250) AS i;

INSERT INTO "Content"
SELECT pg_temp.cuid('content', i),
       pg_temp.cuid('creator', 1 + pg_temp.draw('author', i, 250)),
       initcap(pg_temp.pick('title', i, '{night,summer,paper,electric,lost}')) || ' ' ||
           pg_temp.pick('title2', i, '{drive,letters,city,garden,signals}') || ' #' || i,
       -- some stored out of line: incompressible and longer than a page
       CASE WHEN i % 20 = 0
            THEN (SELECT string_agg(md5('page' || i || '.' || n), ' ')
                  FROM generate_series(1, 300) AS n)
            WHEN i % 3 <> 0
            THEN 'About "' || md5('about' || i) || E'"\r\n<b>& more</b>' END,
       pg_temp.pick('type', i, '{MUSIC,MUSIC,VIDEO,IMAGE,ARTICLE}')::"ContentType",
       'content-' || i || '-' || substr(md5('slug' || i), 1, 8),
       CASE WHEN i % 10 <> 0 THEN pg_temp.draw('price', i, 100000) * 0.01 END,
       pg_temp.pick('currency', i, '{EUR,USD,JPY}'),
       CASE WHEN i % 4 <> 0
            THEN pg_temp.draw('length', i, 7200000) * interval '1 millisecond' END,
       pg_temp.draw('size', i, 9000000000000000000),
       pg_temp.draw('views', i, 100000000),
       CASE WHEN i % 6 <> 0 THEN decode(md5('file' || i) || md5(i || 'file'), 'hex') END,
       ARRAY[pg_temp.pick('tag', i, '{new,remix,"limited edition"}'),
             pg_temp.pick('tag2', i, '{"a\"b",free,NULL}')],
       CASE WHEN i % 5 = 0 THEN ARRAY[0, i, 2 * i] END,
       CASE WHEN i % 7 <> 0 THEN jsonb_build_object(
           'codec', pg_temp.pick('codec', i, '{flac,h264,png}'),
           'bitrate', pg_temp.draw('bitrate', i, 320000),
           'peak', pg_temp.draw('peak', i, 1000000) * 0.000001,
           'credits', jsonb_build_array(jsonb_build_object('role', 'mix', 'name', 'Zoë'))) END,
       i % 4 <> 0,
       CASE WHEN i % 4 <> 0 THEN pg_temp.moment('published', i) END,
       pg_temp.moment('content', i),
       pg_temp.moment('content', i) + interval '3 hours'
FROM generate_series(1, 1250) AS i;

INSERT INTO "NFT"
SELECT pg_temp.cuid('nft', i),
       pg_temp.cuid('content', 1 + pg_temp.draw('work', i, 1250)),
       CASE WHEN i % 12 <> 0
            THEN pg_temp.cuid('user', 1 + pg_temp.draw('owner', i, 1500)) END,
       md5('external' || i)::uuid,
       pg_temp.draw('token', i, 1000000000000000000)::numeric * 10 ^ 58::numeric + i,
       pg_temp.wallet('contract', i % 40),
       1 + pg_temp.draw('edition', i, 500),
       CASE WHEN i % 9 <> 0 THEN
           pg_temp.draw('mint', i, 1000000000000000000) * 0.000000000000000001 END,
       pg_temp.draw('bps', i, 1500)::int,
       jsonb_build_array(
           jsonb_build_object('trait', 'rarity', 'value',
               pg_temp.pick('rarity', i, '{common,rare,epic}')),
           jsonb_build_object('trait', 'score', 'value',
               pg_temp.draw('score', i, 100000) * 0.001)),
       CASE WHEN i % 3 <> 0 THEN
           ('{"hash" : "' || md5('prov' || i) || E'",\n "steps":[1,  2.50, 1e3],"b":1,"a":2 }')::json END,
       i % 50 = 0,
       pg_temp.moment('mintedAt', i),
       pg_temp.moment('nft', i),
       pg_temp.moment('nft', i) + interval '4 hours'
FROM generate_series(1, 1600) AS i;

INSERT INTO "Transaction"
SELECT pg_temp.cuid('transaction', i),
       pg_temp.cuid('nft', 1 + pg_temp.draw('sold', i, 1600)),
       CASE WHEN i % 15 <> 0
            THEN pg_temp.cuid('user', 1 + pg_temp.draw('seller', i, 1500)) END,
       pg_temp.cuid('user', 1 + pg_temp.draw('buyer', i, 1500)),
       pg_temp.pick('status', i,
           '{CONFIRMED,CONFIRMED,CONFIRMED,PENDING,FAILED,REFUNDED}')::"TransactionStatus",
       pg_temp.draw('amount', i, 1000000000000000000) * 0.000000000000000001
           + pg_temp.draw('amount2', i, 50),
       pg_temp.draw('fee', i, 100000) * 0.00001 / (1 + i % 3),
       17000000 + i * 12,
       '0x' || md5('hash' || i) || md5(i || 'hash'),
       pg_temp.draw('confirmations', i, 64)::int,
       CASE WHEN i % 6 <> 0 THEN ('192.0.2.' || i % 250)::inet END,
       jsonb_build_object('gas', pg_temp.draw('gas', i, 21000000),
           'memo', CASE WHEN i % 4 = 0 THEN E'tab\there "x" \\' END,
           'wei', pg_temp.draw('wei', i, 1000000000000000000)::numeric * 1000 + 1),
       pg_temp.moment('occurred', i),
       pg_temp.moment('transaction', i),
       pg_temp.moment('transaction', i) + interval '5 hours'
FROM generate_series(1, 2500) AS i;

INSERT INTO "RoyaltyPayment"
SELECT pg_temp.cuid('royalty', i),
       pg_temp.cuid('transaction', 1 + pg_temp.draw('for', i, 2500)),
       pg_temp.cuid('creator', 1 + pg_temp.draw('to', i, 250)),
       pg_temp.draw('royalty', i, 1000000000000000000) * 0.000000000000000001,
       pg_temp.draw('share', i, 1000000) * 0.000001,
       month::date,
       (month + interval '1 month - 1 day')::date,
       time '00:00' + pg_temp.draw('cutoff', i, 86400000) * interval '1 millisecond',
       i % 5 <> 0,
       CASE WHEN i % 5 <> 0 THEN month + interval '40 days 3 hours' END,
       CASE WHEN i % 10 = 0 THEN '' WHEN i % 3 = 0 THEN 'Q' || 1 + i % 4 END,
       month,
       month + interval '40 days'
FROM generate_series(1, 2000) AS i,
     LATERAL (SELECT timestamp '2023-01-01'
              + pg_temp.draw('month', i, 30) * interval '1 month') AS m (month);
