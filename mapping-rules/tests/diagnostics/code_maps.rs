//! One mistake each, in `codemaps.yaml` and in the table of a map.

use super::cases::Case;

/// `codes/codemaps.yaml`.
pub const CODE_MAPS: &[Case] = &[
    ("m: {local: {system: urn:l}, targets: []}\n", "codes/codemaps.yaml:1:4 E0202", "`unmapped`"),
    (
        "m: {local: {system: urn:l, emmit: never}, targets: [], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:28 E0203",
        "`emit`",
    ),
    (
        "m: {local: {system: urn:l, emit: nevr}, targets: [], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:34 E0209",
        "`never`",
    ),
    (
        "m: {local: {system: urn:l}, targets: [], unmapped: {policy: drop}}\n",
        "codes/codemaps.yaml:1:61 E0209",
        "",
    ),
    (
        "m: {local: {system: urn:l}, targets: [], unmapped: {policy: uncoded}}\n",
        "codes/codemaps.yaml:1:52 E0610",
        "not coded",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: urn:a, only-if-none: [b]}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:77 E0605",
        "before",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: urn:a}, {id: a, system: urn:b}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:68 E0605",
        "twice",
    ),
    (
        "m: {local: {system: urn:l}, targets: [], unmapped: {policy: warn, codings: [{system: urn:a, code: x}], by: {else: []}}}\n",
        "codes/codemaps.yaml:1:67 E0613 codes/codemaps.yaml:1:104 E0613 codes/codemaps.yaml:1:109 E0613",
        "never shows",
    ),
    (
        "m: {local: {system: urn:l}, targets: [], unmapped: {policy: uncoded, by: {'1': [{system: urn:a, code: x}]}}}\n",
        "codes/codemaps.yaml:1:74 W0614",
        "no `else`",
    ),
    (
        "m: {local: {system: urn:l}, targets: [], unmapped: {policy: warn}}\nn: {local: {system: urn:l}, targets: [], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:2:1 W0609",
        "every code is unmapped",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: urn:a}, {id: b, system: urn:b, derive: {from: c, table: hot}}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:94 E0605",
        "`c` is no target",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: urn:a}, {id: b, system: urn:b, derive: {from: a, table: hot}}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:94 E0627",
        "does not lead from urn:a to urn:b",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: 'http://capstandard.jp/iyaku.info/CodeSystem/YJ-code'}, {id: b, system: 'http://medis.or.jp/CodeSystem/master-HOT9', derive: {from: a, table: allergens}}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:180 E0627",
        "these do: hot",
    ),
    (
        "m: {local: {system: urn:l}, targets: [{id: a, system: 'http://capstandard.jp/iyaku.info/CodeSystem/YJ-code'}, {id: b, system: 'http://medis.or.jp/CodeSystem/master-HOT9', derive: {from: a, table: hto}}], unmapped: {policy: warn}}\n",
        "codes/codemaps.yaml:1:197 E0209",
        "`hot`",
    ),
];

/// `codes/m.csv` with the one target `a`.
pub const CSV: &[Case] = &[
    ("local,target,code\n", "codes/m.csv:1:1 E0601", "`status`"),
    ("local,target,code,status,remark\n", "codes/m.csv:1:26 E0601", "`remark`"),
    ("local,target,code,status,local\n", "codes/m.csv:1:26 E0601", "`local` twice"),
    ("local,target,code,status\n,a,1,accepted\n", "codes/m.csv:2:1 E0603", ""),
    ("local,target,code,status\nX,a,,accepted\n", "codes/m.csv:2:5 E0603", ""),
    ("local,target,code,status\nX,a,1,ok\n", "codes/m.csv:2:7 E0604", "`ok`"),
    ("local,target,code,status\nX,b,1,accepted\n", "codes/m.csv:2:3 E0605", ""),
    ("local,target,code,status\nX,a,1,accepted,9\n", "codes/m.csv:2:16 E0602", "more fields"),
    (
        "local,target,code,status,valid_from\nX,a,1,accepted,R2.1.1\n",
        "codes/m.csv:2:16 E0606",
        "`valid_from`",
    ),
    (
        "local,target,code,status,valid_from,valid_to\nX,a,1,accepted,2020-02-01,2020-01-01\n",
        "codes/m.csv:2:27 E0606",
        "before",
    ),
    ("local,target,code,status\nX,a,1,accepted\nX,a,1,auto\n", "codes/m.csv:3:1 E0607", "line 2"),
    (
        "local,target,code,status,valid_to\nX,a,1,accepted,\nX,a,2,draft,\nX,a,3,accepted,2019-12-31\n",
        "codes/m.csv:4:1 W0612",
        "with line 2",
    ),
    (
        "local,target,code,status,valid_from\nX,a,1,accepted,\nX,a,1,accepted,2020-01-01\n",
        "codes/m.csv:3:1 W0615",
        "line 2 gives the same code",
    ),
    (
        "local,target,code,status,valid_from,valid_to\nX,a,1,accepted,,2019-12-31\nX,a,2,accepted,2020-01-01,\n",
        "",
        "",
    ),
];
