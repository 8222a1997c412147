"""Values of every base type of PostgreSQL, the boundaries among them.

BASE: type name -> SQL literals, written without the cast. An entry that
starts with '(' is an expression. ONLY_NULL: types no client can give a value
to (their input functions refuse), whose columns can still exist.
"""

BASE = {
    "bool": ["true", "false"],
    "bytea": ["", "\\x00", "\\xff", "\\x0001", "\\x000102ff",
              "\\x" + "5c22" * 40],
    "char": ["a", "", "\\"],
    "name": ["n", "", "n" * 63, 'quo"te'],
    "int2": ["-32768", "32767", "0"],
    "int4": ["-2147483648", "2147483647", "0"],
    "int8": ["-9223372036854775808", "9223372036854775807",
             "9007199254740993", "-9007199254740993", "0"],
    "oid": ["0", "4294967295", "2147483648"],
    "float4": ["3.4028235e38", "-3.4028235e38", "1.17549435e-38", "1e-45",
               "0", "-0", "0.1", "16777217", "1e15", "123456.79"],
    "float8": ["1.7976931348623157e308", "-1.7976931348623157e308",
               "2.2250738585072014e-308", "5e-324", "0", "-0", "0.1",
               "9007199254740993", "0.30000000000000004", "1e21", "1e-7"],
    "numeric": ["0", "-0.000", "9007199254740993.00000000000000000001",
                "1" + "0" * 200, "0." + "0" * 200 + "1", "-12.50", "1e-5",
                "NaN", "9" * 77 + "." + "9" * 40],
    "money": ["0", "-92233720368547758.08", "92233720368547758.07",
              "1234.56"],
    "text": ["", " ", "a", "null", 'quote " slash / backslash \\',
             "line\nfeed\rreturn\ttab\b\f", "\x01\x1f\x7f", "Zoë 世界 אב",
             "\U0001f600 \U0010ffff", "e\u0301 \u200b\u2028\ufeff",
             '}"after":{', "x" * 9000, "[1]", "sha256:abc"],
    "varchar": ["", "vär", " padded "],
    "bpchar": ["", "a", "a  "],
    "citext": ["", "MiXed"],
    "json": ["null", "0", '"x"', "[]", "{}", '{"a" : [1,\t2,\r\n {"b":1}]}',
             "9007199254740993.10", '{"\\u0000": 1, "after": "}"}', "-0",
             '  {"lead": 1}\n', "1e400", '"\\ud83d\\ude00 \\/"'],
    "jsonb": ["null", "0", '"x"', "[]", "{}", '{"b": 1, "a": [1, null]}',
              "9007199254740993.10", "1e30", '{"": {"": ""}}',
              '"line\\nbreak \\u0001"'],
    "jsonpath": ["$", '$."a"[*] ? (@ > 1)'],
    "xml": ["<a/>", "<a b=\"c\">text &amp; more</a>", "plain"],
    "uuid": ["00000000-0000-0000-0000-000000000000",
             "ffffffff-ffff-ffff-ffff-ffffffffffff",
             "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "date": ["1970-01-01", "1900-01-01", "2299-12-31", "2000-02-29",
             "9999-12-31", "5874897-12-31", "4714-11-24 BC", "0044-03-15 BC",
             "0001-01-01", "0001-12-31 BC", "infinity", "-infinity"],
    "time": ["00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.1"],
    "timetz": ["00:00:00+00", "23:59:59.999999-15:59", "24:00:00+15:59:59",
               "04:05:06.789+05:30"],
    "timestamp": ["1970-01-01 00:00:00", "2019-07-09 02:28:57.123456",
                  "2299-12-31 23:59:59.999999", "1900-01-01 00:00:00",
                  "1969-12-31 23:59:59.999999", "2024-02-29 12:00:00.5",
                  "294276-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC",
                  "0001-01-01 00:00:00 BC", "infinity", "-infinity"],
    "timestamptz": ["1970-01-01 00:00:00+00", "2019-07-09 02:28:57.123456+02",
                    "2299-12-31 23:59:59.999999+00", "1900-01-01 00:00:00+00",
                    "2024-03-31 02:30:00 Europe/Berlin",
                    "294276-12-31 23:59:59.999999+00",
                    "4714-11-24 00:00:00+00 BC", "infinity", "-infinity"],
    "interval": ["0", "1 year 2 mons 3 days 04:05:06.7", "-1 day",
                 "178000000 years", "-178000000 years", "00:00:00.000001",
                 "1 mon -1 day +00:00:01"],
    "bit": ["0", "1"],
    "varbit": ["", "1", "0101", "1" * 70],
    "point": ["(0,0)", "(1.5,-2e300)", "(NaN,Infinity)"],
    "line": ["{1,2,3}"],
    "lseg": ["[(0,0),(1,1)]"],
    "box": ["(1,1),(0,0)"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "circle": ["<(0,0),1.5>"],
    "inet": ["0.0.0.0", "255.255.255.255", "10.1.2.3/8", "::1",
             "2001:db8::ff00:42:8329/64"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "tsvector": ["", "'a':1A,2 'fat':3", "'it''s' 'back\\\\slash'"],
    "tsquery": ["'a' & !'b' <-> 'c':*"],
    "pg_lsn": ["0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"],
    "xid": ["0", "4294967295"],
    "xid8": ["0", "18446744073709551615"],
    "cid": ["0", "4294967295"],
    "tid": ["(0,0)", "(4294967295,65535)"],
    "txid_snapshot": ["10:20:10,14,15"],
    "pg_snapshot": ["10:20:10,14,15"],
    "oidvector": ["", "1 4294967295"],
    "int2vector": ["", "-32768 32767"],
    "refcursor": ["cursor"],
    "aclitem": ["postgres=arwdDxt/postgres", "=r/postgres"],
    "regproc": ["pg_catalog.now", "-"],
    "regprocedure": ["pg_catalog.abs(numeric)"],
    "regoper": ["pg_catalog.||/"],
    "regoperator": ["pg_catalog.+(int4,int4)"],
    "regclass": ["pg_catalog.pg_type"],
    "regcollation": ["pg_catalog.\"C\""],
    "regtype": ["integer", "timestamp with time zone"],
    "regrole": ["postgres"],
    "regnamespace": ["pg_catalog"],
    "regconfig": ["pg_catalog.english"],
    "regdictionary": ["pg_catalog.simple"],
    "pg_node_tree": ["(SELECT ev_action FROM pg_rewrite ORDER BY oid LIMIT 1)"],
    "pg_ndistinct": ["(SELECT stxdndistinct FROM pg_statistic_ext_data "
                     "WHERE stxdndistinct IS NOT NULL LIMIT 1)"],
    "pg_dependencies": ["(SELECT stxddependencies FROM pg_statistic_ext_data "
                        "WHERE stxddependencies IS NOT NULL LIMIT 1)"],
    "pg_mcv_list": ["(SELECT stxdmcv FROM pg_statistic_ext_data "
                    "WHERE stxdmcv IS NOT NULL LIMIT 1)"],
}

ONLY_NULL = ("gtsvector", "pg_brin_bloom_summary",
             "pg_brin_minmax_multi_summary")

# Types that are made of others.
MADE_SQL = """
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine", \\ really', 'Glück');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN cents AS numeric(12,2);
CREATE DOMAIN words AS text[];
CREATE DOMAIN positive AS cents CHECK (VALUE > 0);
"""

MADE = {
    "mood": ["sad", 'it\'s "fine", \\ really', "Glück"],
    "pair": ["(1,x)", '(,"a ""b"" \\\\ ,")'],
    "cents": ["12.50", "-9999999999.99"],
    "positive": ["0.01"],
    "words": ['{a,"b c",NULL}', "{}"],
    "hstore": ["", '"a"=>"1", "b"=>NULL', '"q\\"k"=>"back\\\\slash"'],
    "ltree": ["Top.Science"],
    "int4range": ["[1,10)", "empty", "(,)"],
    "int8range": ["[1,9223372036854775806)"],
    "numrange": ["[1.50,2.5]"],
    "tsrange": ['["2024-01-01 00:00:00","2024-01-02 00:00:00")'],
    "tstzrange": ['["2024-01-01 00:00:00+00",)'],
    "daterange": ["[2024-01-01,2024-02-01)"],
    "int4multirange": ["{}", "{[1,3),[5,7)}"],
    "int8multirange": ["{[1,3)}"],
    "nummultirange": ["{[1.5,2.5)}"],
    "tsmultirange": ['{["2024-01-01 00:00:00","2024-01-02 00:00:00")}'],
    "tstzmultirange": ["{}"],
    "datemultirange": ["{[2024-01-01,2024-02-01)}"],
}

# With a modifier: column name -> (type, literals).
MODIFIED = {
    "numeric_12_2": ("numeric(12,2)", ["12.5", "-9999999999.99", "0", "NaN"]),
    "numeric_76_38": ("numeric(76,38)",
                      ["9" * 38 + "." + "9" * 38, "-0." + "0" * 37 + "1"]),
    "numeric_77_0": ("numeric(77,0)", ["9" * 77]),
    "numeric_5_neg2": ("numeric(5,-2)", ["123456", "-9999900"]),
    "numeric_2_5": ("numeric(2,5)", ["0.00012"]),
    "char_5": ("char(5)", ["a", "abcde", ""]),
    "varchar_3": ("varchar(3)", ["äöü", ""]),
    "bit_5": ("bit(5)", ["00000", "10101"]),
    "varbit_5": ("varbit(5)", ["101"]),
    "timestamp_3": ("timestamp(3)", ["2019-07-09 02:28:57.123456"]),
    "timestamptz_0": ("timestamptz(0)", ["2019-07-09 02:28:57.5+00"]),
    "time_1": ("time(1)", ["04:05:06.789"]),
    "interval_day": ("interval day", ["3 days 04:00"]),
}

# What Date32, DateTime64(6) and Decimal(p, s) cannot hold, by base type: the
# ClickHouse sink refuses such a row, so it reaches the topic only.
TOO_LARGE = {
    "date": {"9999-12-31", "5874897-12-31", "4714-11-24 BC", "0044-03-15 BC",
             "0001-01-01", "0001-12-31 BC", "infinity", "-infinity"},
    "timestamp": {"294276-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC",
                  "0001-01-01 00:00:00 BC", "infinity", "-infinity"},
    "timestamptz": {"294276-12-31 23:59:59.999999+00",
                    "4714-11-24 00:00:00+00 BC", "infinity", "-infinity"},
    "numeric_12_2": {"NaN"},
}
