// Cases of oracle.test.ts: converters of other protocols' formats (protocol buffers, FIX, MQTT, Forwarded), and those of later versions.

import { type Case, lengths } from "./oracle.fixture.ts";

/** A FIX message of these fields, with a length and a sum that are right. */
function fix(version: string, fields: readonly string[]): string {
  const body = fields.map((field) => `${field}\x01`).join("");
  const head = `8=${version}\x019=${body.length}\x01${body}`;
  const sum = [...head].reduce((total, c) => total + c.charCodeAt(0), 0) % 256;
  return `${head}10=${String(sum).padStart(3, "0")}\x01`;
}

function fixMessages(): string[] {
  const good = fix("FIX.4.4", ["35=A", "34=1", "49=EXECUTOR", "56=CLIENT1", "98=0"]);
  return [
    ...[
      good,
      fix("FIX.4.0", ["35=A"]),
      fix("FIXT.1.1", ["35=A", "49=x"]),
      fix("FIX.5.0", ["35=A"]),
      fix("FIX.4.5", ["35=A"]),
    ],
    ...[
      "",

      good.slice(0, -1),
      good.slice(0, -4),
      good.replace("35=A", "35=B"),
      good.replace("9=", "9=1"),
      good.slice(2),
    ],
    ...[
      fix("FIX.4.4", ["34=1", "35=A"]),

      fix("FIX.4.4", ["35=A", "x=1"]),
      `${good}x`,
      fix("FIX.4.4", ["35=A", "=1"]),
    ],
    ...[fix("FIX.4.4", ["35=A", "99=z"]), "49=x\x0135=y\x01", "35=A", "=\x01"],
  ];
}

/** A packet with its length in front. */
function packet(first: number, body: string): string {
  return String.fromCharCode(first, body.length) + body;
}

function text(value: string): string {
  return String.fromCharCode(value.length >> 8, value.length & 255) + value;
}

function mqttPackets(): string[] {
  const head = (name: string, version: number, flags: number): string =>
    `${text(name)}${String.fromCharCode(version, flags)}\x00\x3c`;
  const will = "\x03\x03\x00\x01t";
  return [
    ...[packet(0x10, `${head("MQTT", 4, 2)}${text("client")}`)],
    ...[
      packet(
        0x10,
        `${head("MQTT", 4, 0xee)}${text("c")}${text("topic")}${text("payload")}${text("user")}${text("pass")}`,
      ),
    ],
    ...[
      packet(0x10, `${head("MQTT", 5, 2)}\x00${text("c")}`),
      packet(0x10, `${head("MQTT", 5, 2)}\x05\x11\x00\x00\x00\x0a${text("c")}`),
    ],
    ...[packet(0x10, `${head("MQTT", 5, 0xc6)}\x08\x27\x00\x00\x00\x14\x17\x01\x21${text("c")}`)],
    ...[
      packet(
        0x10,
        `${head("MQTT", 5, 0xc6)}\x07\x27\x00\x00\x00\x14\x17\x01${text("c")}\x05${will.slice(0, 5)}${text("t")}${text("p")}${text("u")}${text("w")}`,
      ),
    ],
    ...[
      packet(0x10, `${head("MQTT", 5, 2)}\x04\x15\x00\x01m${text("c")}`),
      packet(0x11, `${head("MQTT", 4, 2)}${text("c")}`),
    ],
    ...[
      packet(0x10, `${head("MQTT", 4, 3)}${text("c")}`),
      packet(0x10, `${head("MQTX", 4, 2)}${text("c")}`),
      packet(0x10, `${head("MQTT", 6, 2)}${text("c")}`),
    ],
    ...[
      packet(0x10, `${head("mqtt", 4, 2)}${text("c")}`),
      packet(0x10, `${head("MQTT", 4, 2)}${text("c")}x`),
      packet(0x10, head("MQTT", 4, 2)),
    ],
    ...[
      "",
      "\x20\x02\x00\x00",
      "\x20\x02\x01\x05",
      "\x20\x06\x00\x00\x03\x22\x00\x0a",
      "\x20\x02\x02\x00",
      "\x21\x02\x00\x00",
    ],
    ...[
      "\x20\x03\x00\x00\x00",
      "\x20\x0b\x00\x00\x08\x24\x01\x12\x00\x01i\x25\x01",
      "\x30\x02\x00\x00",
      "\x20\x01\x00",
      "\x20\x02\x00",
    ],
  ];
}

export const FORMAT_CASES: readonly Case[] = [
  {
    name: "protocol buffers",
    expressions: [
      ...[
        "1",
        "1,int32",
        "1,int64",
        "1,uint32",
        "1,uint64",
        "1,sint32",
        "1,sint64",
        "1,bool",
        "1,enum",
        "2",
        "2,fixed64",
      ],
      ...[
        "2,sfixed64",
        "2,double",
        "3",
        "3,fixed32",
        "3,sfixed32",
        "3,float",
        "4",
        "4.1",
        "4.1,int32",
        "4.4.1,sint64",
        "5",
      ],
    ].flatMap((args) => [`@,protobuf(${args})`, `@,ungrpc(${args})`]),
    inputs: [
      ...["", "\x08\x05", "\x08\x96\x01", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x08\xff\xff\xff\xff\x0f"],
      ...[
        "\x11\x00\x00\x00\x00\x00\x00\xf8\x3f",
        "\x11\xff\xff\xff\xff\xff\xff\xff\xff",
        "\x1d\x00\x00\xc0\x3f\x08\x07",
      ],
      ...[
        "\x1d\xff\xff\xff\xff",
        "\x22\x02\x08\x09",
        "\x22\x06\x22\x04\x08\x05\x08\x06",

        "\x2a\x03abc\x08\x02",
      ],
      ...["\x22\x09\x08\x01", "\x11\x01", "\x08\x01\x08\x02", "\x28\x01\x2a\x01z"],
    ].flatMap((message) => [
      message,
      `\0\0\0\0${String.fromCharCode(message.length)}${message}`,
      `\0\0\0\0\x02\x08\x02\0\0\0\0\x05${message}`,
    ]),
  },
  {
    name: "FIX",
    expressions: [
      "@,fix_is_valid",
      ...["8", "BeginString", "35", "MsgType", "49", "99", "10", "CheckSum"].map((tag) => `@,fix_tag_value(${tag})`),
    ],
    inputs: fixMessages(),
  },
  {
    name: "MQTT",
    expressions: [
      "@,mqtt_is_valid",
      ...[
        "flags",
        "protocol_name",
        "protocol_version",
        "client_identifier",
        "will_topic",
        "will_payload",
        "username",
      ].map((name) => `@,mqtt_field_value(connect,${name})`),
      ...["password", "keepalive", "17", "33", "39", "23", "3", "8", "21"].map(
        (name) => `@,mqtt_field_value(CONNECT,${name})`,
      ),
      ...["flags", "protocol_version", "reason_code", "17", "36", "18", "31"].map(
        (name) => `@,mqtt_field_value(2,${name})`,
      ),
    ],
    inputs: mqttPackets(),
  },
  {
    name: "Forwarded",
    since: 2.8,
    expressions: [
      "rfc7239_is_valid",
      ...["for", "by", "host", "proto"].map((name) => `rfc7239_field(${name})`),
      "rfc7239_n2nn",
      "rfc7239_n2np",
      "rfc7239_field(for),rfc7239_n2nn",
      "rfc7239_field(for),rfc7239_n2np",
      "rfc7239_nn",
      "rfc7239_np",
    ].map((text) => `@,ltrim(),${text}`),
    inputs: [
      ...[
        "for=127.0.0.1;proto=http",
        "proto=custom",
        'proto=https;host="haproxy.org:80"',
        'for="[ab:cd::1]:9998";by=_x',
        "for=_name",
      ],
      ...[
        'for="_name:_port"',
        "FOR=1.2.3.4;Proto=http",
        "for=1.2.3.4, for=5.6.7.8",
        "for=unknown",
        "host=a.b;host=c",
        "for=",
        "for",
      ],
      ...[
        "",
        "127.0.0.1:9999",
        "[::1]:80",
        "[::1]",
        "_name:_port",
        "unknown",
        "1.2.3.4",
        "test",
        "a b",
        "127.0.0.1:99999",
        "_",
        "host=example.org",
      ],
      ...[
        "for=[::1]",
        'for="1.2.3.4:80"',
        'for="1.2.3.4"',
        "for=1.2.3.4;",
        ";for=1.2.3.4",
        "for =1.2.3.4",
        'for="1.2.3.4',
        "proto=HTTP",
        "x=y",
        "host=[::1]",
        'host="[::1]:80"',
        'by="unknown:80"',
        "12",
        "-1",
      ],
    ],
  },
  {
    name: "texts of later versions",
    since: 3.4,
    expressions: [
      "has_ctl",
      "has_ctl(any)",
      "has_ctl(http)",
      "has_ctl(0x200)",
      "has_ctl(512)",
      "reverse",
      "reverse_dom",
      "base2",
      "le2dec(:,2)",
      "le2dec(,3,1)",
      "le2dec(-,3)",
    ].map((text) => `@,${text}`),
    inputs: [
      "",
      "a",
      "a.b.c",
      "a.b.",
      ".a",
      "a..b",
      "\t",
      "\x7f",
      "\0",
      "\r\n",
      "x\x1fy",
      "mail.example.com",
      ...lengths(1, 2, 3, 7, 8, 9, 17),
    ],
  },
];
