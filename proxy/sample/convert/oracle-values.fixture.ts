// Cases of oracle.test.ts: converters of numbers, hashes, dates, addresses and names.

import { type Case, lengths, PRINTABLE, texts } from "./oracle.fixture.ts";

const LIMITS = ["9223372036854775807", "-9223372036854775808", "4294967296", "9007199254740993", "-9007199254740993"];
const OPERANDS = [...LIMITS, "0", "1", "-1", "3", "-7", "255", "6442450944", "-3037000500"];

function arithmetic(): string[] {
  const operations = ["add", "sub", "mul", "div", "mod", "and", "or", "xor"];
  return operations.flatMap((name) => OPERANDS.map((operand) => `@,ltrim(),${name}(${operand})`));
}

export const VALUE_CASES: readonly Case[] = [
  {
    name: "arithmetic",
    // Debian's 2.6 was built so that negative sums overflow.
    since: 2.9,
    expressions: arithmetic(),
    inputs: [
      ...OPERANDS,
      "+5",
      "",
      "-",
      "12x",
      "9223372036854775808",
      "-9223372036854775809",
      "99999999999999999999",
      ...texts(60, 19, [..."0123456789"], 3),
      ...texts(20, 19, [..."0123456789"], 4).map((text) => `-${text}`),
    ],
  },
  {
    name: "numbers",
    expressions: [
      ...["bool", "not", "even", "odd", "neg", "cpl", "htonl", "cpl,neg", "neg,neg", "not,not", "bool,iif(y,n)"],
      ...["add", "add()", "mul()", "div()", "iif(yes,no)", "iif(,no)", "base64", "hex", "ltrim(1)", "length"],
    ].map((text) => `@,ltrim(),${text}`),
    inputs: [...OPERANDS, "2", "-2", "", "x", "4294967297", "99999999999999999999"],
  },
  {
    name: "hashes",
    expressions: [
      ...["crc32", "crc32c", "djb2", "sdbm", "wt6"].flatMap((name) => [name, `${name}(0)`, `${name}(1)`, `${name}(2)`]),
      ...["xxh32", "xxh32(1)", "xxh32(4294967295)", "xxh64", "xxh64(1)", "xxh64(1234567890123)", "xxh3", "xxh3(1)"],
      ...["xxh3(1234567890123)", "xxh64(-1)", "xxh3(-1)", "xxh32(-1)", "xxh3,mod(100)", "xxh64,div(3)", "xxh64,even"],
    ].map((text) => `@,${text}`),
    inputs: [
      ...["", "a", "h", "h/", "/images/logo.png"],
      ...lengths(1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 48, 64, 65, 96, 97, 127, 128, 129, 130, 143, 144),
      ...lengths(
        160,
        191,
        192,
        239,
        240,
        241,
        242,
        255,
        256,
        320,
        511,
        512,
        513,
        1023,
        1024,
        1025,
        1026,
        1087,
        1088,
        1089,
      ),
      ...lengths(2047, 2048, 2049, 2112, 5000),
      ...texts(20, 20, PRINTABLE, 12),
    ],
  },
  {
    name: "digests",
    expressions: [
      ...["sha1", "sha2", "sha2()", "sha2(224)", "sha2(384)", "sha2(512)", "digest(md5)", "digest(SHA-256)"],
      ...[
        "digest(sha3-256)",
        "hmac(sha1,a2V5)",
        "hmac(sha256,a2V5)",
        "hmac(md5,)",
        "sha1,hex,lower",
        "sha2(256),base64",
      ],
    ].map((text) => `@,${text}`),
    inputs: ["", "a", "1", "2", ...lengths(55, 56, 63, 64, 65, 111, 112, 127, 128, 1000)],
  },
  {
    name: "times",
    expressions: [
      ...[
        "http_date",
        "http_date()",
        "http_date(10)",
        "http_date(-86400,s)",
        "utime(%Y%m%d%H%M%S)",
        "utime()",
        "utime(%Y,3600)",
      ],
      ..."aAbBcCdDeFgGhHIjklmMnprRStTuUVwWxXyYzZ%".split("").map((letter) => `utime(%${letter})`),
      ...["utime(%Ey%Od %-d %-j %_m %0e %^a %^B)", "utime(%P%q%)", "utime('%N %3N',-5)", "ltime(%F %T)", "ltime(%c)"],
    ].map((text) => `@,ltrim(),${text}`),
    inputs: [
      ...["0", "784111777", "951782399", "951868800", "4102444800", "253402300800", "1230768000", "1609459199", "-1"],
      ...["1104537600", "1735689599", "67767976233532800", "9223372036854775807", "-62167219200", "x", ""],
      ...texts(60, 10, [..."0123456789"], 13),
    ],
  },
  {
    name: "fractions of seconds",
    expressions: [
      ...["utime(%s)", "ms_utime(%F %T.%3N)", "ms_utime(%N)"],
      ...[
        "ms_utime(%6N %1N %12N,1000)",
        "us_utime(%F %T.%6N)",
        "us_utime(%N %3N)",
        "ms_ltime(%F %T.%3N)",
        "us_ltime(%T %N)",
      ],
    ].map((text) => `@,ltrim(),${text}`),
    inputs: [
      "0",
      "784111777123",
      "784111777123456",
      "1735689599999",
      "999",
      "1000",
      ...texts(40, 15, [..."123456789"], 14),
    ],
  },
  {
    name: "dates",
    expressions: ["@,date", "@,date,http_date"],
    inputs: [
      ...["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "", "Sun"],
      ...[
        "Sun Nov 16 08:49:37 1994",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun Nov 06 08:49:37 1994",
      ],
      ...[
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:99:99 GMT",
        "Sun Nov 6 08:49:37 1994",
      ],
      ...["Sunday, 06-Nov-70 08:49:37 GMT", "Sunday, 06-Nov-60 08:49:37 GMT", "Sunday, 06-Nov-00 08:49:37 GMT"],
      ...[
        "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 29 Feb 2000 08:49:37 GMT",
      ],
      ...["Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT"],
      ...["Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", " Sun, 06 Nov 1994 08:49:37 GMT"],
      ...[
        "Sun, 31 Dec 9999 23:59:59 GMT",
        "Sun, 06 Nov 1994  8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun Nov  6 08:49:37 199",
      ],
    ],
  },
  {
    name: "masks",
    // 2.6 leaves 6to4 addresses alone.
    since: 2.9,
    expressions: ["24", "255.0.255.0", "0", "24,64", "24,ffff:ffff::", "32,128", "24,0", "13,1", "24,127"].map(
      (mask) => `@,ltrim(),ipmask(${mask})`,
    ),
    inputs: ["1.2.3.4", "255.255.255.255", "2001:db8:1:2:3:4:5:6", "::ffff:1.2.3.4", "2002:102:304::1", "x", "", "::1"],
  },
  {
    name: "names",
    expressions: ["@,nbsrv", "@,srv_queue"],
    inputs: ["b", "e", "x", "", "b/s1", "b/s2", "b/x", "s9", "b/", "/s1"],
  },
];
