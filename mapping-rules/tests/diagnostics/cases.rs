//! One mistake each: the text, `file:line:column code` of what is found, and a part of what is said.

pub type Case = (&'static str, &'static str, &'static str);

/// Whole rule files.
pub const RULES: &[Case] = &[
    ("", "a.map.yaml:1:1 E0101", "empty"),
    ("- a", "a.map.yaml:1:1 E0201", "keys with values"),
    (
        "rule: x\nresource: Patien\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\n",
        "a.map.yaml:2:11 E0500",
        "`Patient`",
    ),
    (
        "rule: x\nresource: SearchParameter\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\n",
        "a.map.yaml:2:11 E0525",
        "never from rows",
    ),
    (
        "rule: 患者\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\n",
        "a.map.yaml:1:7 E0207",
        "letters",
    ),
    (
        "resource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\n",
        "a.map.yaml:1:1 E0202",
        "`rule` is missing",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\n",
        "a.map.yaml:1:1 E0202",
        "`emit` is missing",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemitt: {}\nemit: {}\n",
        "a.map.yaml:4:1 E0203",
        "`emit`?",
    ),
    (
        "rule: x\nresource: Patient\nform: 1\nfrom: {p: {table: PT, kay: 1, key: [ID], wehre: 1}}\nemit: {}\nserach: {}\n",
        "a.map.yaml:3:1 E0203 a.map.yaml:4:23 E0203 a.map.yaml:4:42 E0203 a.map.yaml:6:1 E0203",
        "`search`?",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwrite: {mode: direct}\n",
        "a.map.yaml:5:8 E0205",
        "not part of this release",
    ),
    (
        "rule: x\nresource: Patient\nprofile: urn:y\nfrom: {p: {table: PT, key: [ID]}}\nemit:\n  meta: {profile: [urn:x]}\n",
        "a.map.yaml:6:10 E0509",
        "made by Genkan",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nsearch: {famly: off}\n",
        "a.map.yaml:5:10 E0701",
        "`family`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nsearch: {name: {sql: 1=1}}\n",
        "a.map.yaml:5:22 E0702",
        "raw SQL",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nsearch: {name: {colum: = p.NAME}}\n",
        "a.map.yaml:5:17 E0203",
        "`column`?",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nsearch:\n  name: = lookup(\"x\", p.NAME)\n",
        "a.map.yaml:6:11 E0324",
        "lookups/x.csv",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwhere: '= p.DEL exists'\n",
        "a.map.yaml:5:8 E0316",
        "without the quotes",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwhere: p.DEL != \"1\"\n",
        "a.map.yaml:5:8 E0316",
        "expression",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwhere: = p.TEL | phone < \"1\"\n",
        "a.map.yaml:5:10 E0411",
        "can't evaluate",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwhere: = p.AGE == p.NAME\n",
        "a.map.yaml:5:10 E0411",
        "can't be compared",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nwhere: = lookup(\"x\", p.SEX) == \"1\"\n",
        "a.map.yaml:5:10 E0324",
        "lookups/x.csv",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nblank: {PTT: [\"0\"]}\n",
        "a.map.yaml:5:9 E0203",
        "`PT`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nblank: {p.BIRHT: [\"0\"]}\n",
        "a.map.yaml:5:9 E0203",
        "`p.BIRTH`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: p.UPD\n",
        "a.map.yaml:5:10 E0316",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: = p.UPD & p.TEL | datetime\n",
        "a.map.yaml:5:12 E0418",
        "binds tighter",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: = p.UPD\n",
        "a.map.yaml:5:12 E0418",
        "| datetime",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: = \"2020\"\n",
        "a.map.yaml:5:12 E0418",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: = p.UPD exists\n",
        "a.map.yaml:5:12 E0418",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nupdated: [= p.DEATH, = (p.BIRTH | date) else p.UPD]\n",
        "a.map.yaml:5:25 E0418",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}, b: {table: BYO, many: [PT_ID = p.ID]}, c: {table: BYO, many: [PT_ID = p.ID]}}\nemit: {}\nupdated: = (b.START & c.START) | date\n",
        "a.map.yaml:5:10 E0413",
        "one `many`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nprofile: not a url\n",
        "a.map.yaml:5:10 E0210",
        "absolute",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\nprofile: /StructureDefinition/x\n",
        "a.map.yaml:5:10 E0210",
        "absolute",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {PTX: []}, expect: []}]\n",
        "a.map.yaml:5:26 E0401",
        "`PT`",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {PT: [{AGE: x}]}, expect: []}]\n",
        "a.map.yaml:5:37 E0405",
        "does not fit",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {}, statements: two}]\n",
        "a.map.yaml:5:41 E0801",
        "",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {}}]\n",
        "a.map.yaml:5:9 E0803",
        "expects nothing",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {}, absent: [nope.nope, name.family, name.familly, birthDate.extension.url, _birthDate.extension, contact.name.text, contained.x, deceasedBoolean, deceased]}]\n",
        "a.map.yaml:5:38 E0802 a.map.yaml:5:62 E0802 a.map.yaml:5:172 E0802",
        "always absent",
    ),
    (
        "rule: x\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\ntests: [{name: a, rows: {}, finds: [Patient], misses: ['Condition?code=x']}]\n",
        "a.map.yaml:5:56 E0804",
        "`Patient?`",
    ),
    ("rule: x\nrule: y\n", "a.map.yaml:2:1 E0107", "twice"),
    ("a: *x\n", "a.map.yaml:1:4 E0103", "not valid YAML"),
    ("a: !!str x\n", "a.map.yaml:1:4 E0105", "tags"),
    ("? [a]\n: b\n", "a.map.yaml:1:3 E0106", "plain word"),
    ("a: 1\n---\nb: 1\n", "a.map.yaml:2:1 E0102", "more than one"),
];

/// What stands under `from:` in line 4 and below it.
pub const SOURCES: &[Case] = &[
    ("  p: {table: PTT, key: [ID]}\nemit: {code: {text: x}}\n", "a.map.yaml:4:14 E0401", "`PT`"),
    ("  p: {table: PT, key: [IDD]}\nemit: {code: {text: x}}\n", "a.map.yaml:4:24 E0402", "`ID`"),
    ("  p: {table: PT}\nemit: {code: {text: x}}\n", "a.map.yaml:4:6 E0202", "`key`"),
    ("  p: {table: PT, key: []}\nemit: {code: {text: x}}\n", "a.map.yaml:4:23 E0406", "key"),
    ("  p: {table: PT, kay: [ID]}\nemit: {code: {text: x}}\n", "a.map.yaml:4:18 E0203", "`key`"),
    ("  site: {table: PT, key: [ID]}\nemit: {code: {text: x}}\n", "a.map.yaml:4:3 E0404", ""),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:3 E0407",
        "exactly one",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID = p.ID], many: [PT_ID = p.ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:3 E0407",
        "",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID = q.ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:33 E0320",
        "alias `q`",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID == p.ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:25 E0409",
        "",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:25 E0409",
        "COLUMN = alias.COLUMN",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID = b.SEQ]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:25 E0409",
        "another table",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [PT_ID = p.AGE]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:33 E0405",
        "can't be compared",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [SEQ = p.ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:26 E0405",
        "",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: [SEQ = \"x\"]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:31 E0405",
        "constant",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [KBN = \"1\"]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:25 E0409",
        "column of the parent",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID]}\n  s: {table: SYU, many: [PT_ID = b.PT_ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:6:3 E0408",
        "rule of its own",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID], order: [SEQQ]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:49 E0402",
        "`SEQ`",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID], where: = p.SEX == \"1\"}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:48 E0410",
        "same SELECT",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD], at: = p.BIRTH}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:47 E0412",
        "two columns",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD, TO_YMD]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:6 E0202",
        "`at`",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD, TO_YMD], at: = p.DEATH}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:71 E0405",
        "can't be compared",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD, TO_YMD], at: = p.WAREKI | date.wareki}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:71 E0412",
        "和暦 and days made of two columns",
    ),
    // A joined table belongs to one SELECT.
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID]}\n  m: {table: MST, maybe: [CD = b.CD], valid: [FROM_YMD, TO_YMD], at: = p.BIRTH}\nemit: {code: {text: x}}\n",
        "a.map.yaml:6:72 E0410",
        "can't see `p.BIRTH`",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID]}\n  m: {table: MST, maybe: [CD = b.CD, NAME = p.ORG], valid: [FROM_YMD, TO_YMD], at: = b.START}\nemit: {code: {text: x}}\n",
        "a.map.yaml:6:45 E0410",
        "`b`",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD, TO_YMD], at: = b.START}\nemit: {code: {text: x}}\n",
        "a.map.yaml:6:73 E0410",
        "the root",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], order: [CD]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:40 E0203",
        "",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, many: [PT_ID = p.ID], valid: [START, START], at: = p.BIRTH}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:41 E0203 a.map.yaml:5:64 E0203",
        "",
    ),
    (
        "  p: {table: PT, key: [ID]}\nwhere: = b.X == \"1\"\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:10 E0320",
        "",
    ),
];

/// Keys and joins, from line 4 on.
pub const UNIQUE: &[Case] = &[
    ("  p: {table: PT, key: [NAME]}\nemit: {code: {text: x}}\n", "a.map.yaml:4:23 W0415", "[ID]"),
    (
        "  p: {table: PT, key: [ID, ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:4:28 W0416",
        "twice",
    ),
    ("  p: {table: PT, key: [NAME, ID]}\nemit: {code: {text: x}}\n", "", ""),
    (
        "  m: {table: MST, key: [CD]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:4:24 W0415",
        "declares no unique key",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, one: []}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:24 E0409",
        "needs a condition",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, maybe: [PT_ID = p.ID]}\nemit: {code: {text: x}}\n",
        "a.map.yaml:5:26 W0417",
        "[PT_ID, SEQ]",
    ),
    (
        "  p: {table: PT, key: [ID]}\n  b: {table: BYO, maybe: [SEQ = \"1\", PT_ID = p.ID]}\nemit: {code: {text: x}}\n",
        "",
        "",
    ),
    // One row of each is valid on a day.
    (
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [CD = p.ORG], valid: [FROM_YMD, TO_YMD], at: = p.BIRTH}\nemit: {code: {text: x}}\n",
        "",
        "",
    ),
    ("  u: {table: UNI, key: [A, B]}\nemit: {code: {text: x}}\n", "", ""),
];

/// A text that begins in line 7, column 11.
pub const EXPRESSIONS: &[Case] = &[
    ("= p.NAME | zne", "a.map.yaml:7:22 E0312", "`zen`"),
    ("= p.NAM", "a.map.yaml:7:13 E0402", "`NAME`"),
    ("= q.NAME", "a.map.yaml:7:13 E0320", ""),
    ("= site.institution", "a.map.yaml:7:13 E0322", ""),
    ("= NAME", "a.map.yaml:7:13 E0315", "write \"NAME\""),
    ("=", "a.map.yaml:7:12 E0306", ""),
    ("= p.SEX | map", "a.map.yaml:7:21 E0314", ""),
    ("= p.SEX | map 1=a 1=b", "a.map.yaml:7:21 E0313", "twice"),
    ("= p.SEX | map 1=", "a.map.yaml:7:25 E0302", ""),
    ("= p.SEX | map 1=\"\"", "a.map.yaml:7:25 E0302", ""),
    ("= p.SEX | map 1=a else p.NAME", "a.map.yaml:7:34 E0318", "\"p.NAME\""),
    ("= p.SEX | map 1=p.NAME", "a.map.yaml:7:27 E0318", "\"p.NAME\""),
    ("= p.SEX in F", "a.map.yaml:7:19 E0308", "quoted"),
    ("= p.SEX = p.NAME", "a.map.yaml:7:19 E0301", ""),
    ("= p.SEX p.NAME", "a.map.yaml:7:19 E0307", "operators"),
    ("= \"a$(p.SEX\"", "a.map.yaml:7:17 E0305", ""),
    ("= \"a", "a.map.yaml:7:13 E0304", ""),
    ("= \"a$(p.SEXX)\"", "a.map.yaml:7:17 E0402", "`SEX`"),
    ("= lookup(\"org\", p.ORG)", "a.map.yaml:7:13 E0324", "lookups/org.csv"),
    ("= p.ORG | lookup org", "a.map.yaml:7:13 E0324", "lookups/org.csv"),
    ("= p.PHOTO", "a.map.yaml:7:13 E0405", ""),
    ("= p.SEX | map 1=a, 2=b", "a.map.yaml:7:27 E0302", ""),
    ("p.NAME", "a.map.yaml:7:11 E0319", "= p.NAME"),
    ("= (p.SEX == \"\") | map true=a", "a.map.yaml:7:14 E0317", "exists"),
    ("= (p.SEX in \"1\" \"\") | map true=a", "a.map.yaml:7:14 E0317", "exists"),
];

/// What stands below `subject` of a Condition, from line 8 on.
pub const EMIT: &[Case] = &[
    ("  cod: {text: x}\n", "z.map.yaml:8:3 E0501", "`code`"),
    ("  onset: = b.START | date\n", "z.map.yaml:8:3 E0501", "onsetDateTime"),
    ("  category: {text: x}\n", "z.map.yaml:8:13 E0502", "list in FHIR"),
    ("  code: [{text: x}]\n", "z.map.yaml:8:9 E0503", "single element"),
    ("  category: [[{text: x}]]\n", "z.map.yaml:8:14 E0503", "list inside a list"),
    ("  code: = b.NM\n", "z.map.yaml:8:9 E0504", "CodeableConcept"),
    ("  onsetDateTime: {text: x}\n", "z.map.yaml:8:18 E0504", "dateTime"),
    ("  onsetDateTime: 2020-13-01\n", "z.map.yaml:8:18 E0505", "no FHIR dateTime"),
    ("  text: {status: generatd, div: <div>x</div>}\n", "z.map.yaml:8:18 E0506", "`generated`"),
    (
        "  text: {status: = b.KBN | map 1=x else empty, div: <div>x</div>}\n",
        "z.map.yaml:8:20 E0506",
        "`x`",
    ),
    (
        "  text: {status: = (b.KBN | map 1=empty) else \"x\", div: <div>x</div>}\n",
        "z.map.yaml:8:47 E0506",
        "`x`",
    ),
    // What binds a CodeableConcept binds the codings of its system.
    (
        "  clinicalStatus: {coding: [{system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: = b.TENKI | map 1=resolvd else active}]}\n",
        "z.map.yaml:8:106 E0506",
        "`resolved`",
    ),
    (
        "  clinicalStatus: {coding: [{system: urn:own, code: x, extension: [{url: urn:e, valueCoding: {code: x}}]}]}\n  code: {coding: [{system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: x}]}\n",
        "",
        "",
    ),
    (
        "  stage: [{type: {text: x}}]\n  evidence: [{}]\n  note: [{time: = b.START | date}]\n",
        "z.map.yaml:10:10 E0507",
        "Annotation.text",
    ),
    (
        "  encounter: {$ref: pt, key: [= b.PT_ID]}\n",
        "z.map.yaml:8:21 E0508",
        "Encounter; not to Patient",
    ),
    ("  id: x\n", "z.map.yaml:8:3 E0509", "made by Genkan"),
    ("  meta: {versionId: x}\n", "z.map.yaml:8:10 E0509", "made by Genkan"),
    (
        "  category: [{$first: [{text: x}, {text: y}]}]\n",
        "z.map.yaml:8:15 E0511",
        "alone under an element",
    ),
    (
        "  code: {$first: [{text: = b.NM}, {text: y}], $if: = b.KBN}\n",
        "z.map.yaml:8:47 E0203",
        "$first",
    ),
    ("  $if: = b.KBN exists\n", "z.map.yaml:8:3 E0511", "under an element"),
    ("  code: {$if: \"= b.KBN exists\", text: x}\n", "z.map.yaml:8:15 E0316", "without the quotes"),
    ("  code: {$fi: = b.NM, text: x}\n", "z.map.yaml:8:10 E0511", "`$if`"),
    ("  code: {text: \"x$(b.NM)\"}\n", "z.map.yaml:8:16 E0529", "begin with `=`"),
    ("  _code: {id: x}\n", "z.map.yaml:8:3 E0512", ""),
    ("  code: {$section: x}\n", "z.map.yaml:8:10 E0513", "documents"),
    ("  contained: [{resourceType: X}]\n", "z.map.yaml:8:15 E0514", ""),
    ("  category: [{$each: b, text: x}]\n", "z.map.yaml:8:22 E0515", "`many`"),
    (
        "  category: [{$each: s, coding: [{$each: s, code: = s.CD}]}]\n",
        "z.map.yaml:8:42 E0515",
        "inside",
    ),
    ("  code: {$each: s, text: = s.NM}\n", "z.map.yaml:8:10 E0515", "list"),
    ("  code: {text: = s.NM}\n", "z.map.yaml:8:18 E0323", "$each: s"),
    ("  code: {$use: nam}\n", "z.map.yaml:8:16 E0516", "`name`"),
    ("  code: {$use: loop}\n", "fragments/f.yaml:2:14 E0517", "itself"),
    ("  code: {$use: name}\n", "z.map.yaml:8:16 E0321", "with.text"),
    ("  code: {$use: name, with: {txt: = b.NM, text: x}}\n", "z.map.yaml:8:29 E0325", "`text`"),
    ("  code: {text: = with.text}\n", "z.map.yaml:8:18 E0321", "stands in none"),
    (
        "  recordedDate: {$use: word, with: {text: = b.START}, extension: []}\n",
        "z.map.yaml:8:55 E0511",
        "",
    ),
    ("  subject2: x\n", "z.map.yaml:8:3 E0501", ""),
    ("  onsetString: {$code: m, from: = b.CD}\n", "z.map.yaml:8:16 E0518", ""),
    ("  code: {$code: m, from: = b.CD}\n", "z.map.yaml:8:17 E0519", "no code map `m`"),
    ("  asserter: {$ref: ptt, key: [= b.PT_ID]}\n", "z.map.yaml:8:20 E0520", "`pt`"),
    (
        "  evidence: [{$each: s, detail: [{$contained: pt, key: [= s.PT_ID]}]}]\n",
        "z.map.yaml:8:34 E0521",
        "",
    ),
    (
        "  asserter: {$ref: pt, key: [= b.PT_ID, = b.SEQ]}\n",
        "z.map.yaml:8:13 E0522",
        "1 columns, not 2",
    ),
    // `007` would be the id of no row.
    ("  asserter: {$ref: lab, key: [= b.CD]}\n", "z.map.yaml:8:31 E0523", "| num"),
    ("  asserter: {$ref: lab, key: [= b.CD | num]}\n", "", ""),
    ("  asserter: {$ref: lab, key: [= b.CD | trim]}\n", "z.map.yaml:8:31 E0523", ""),
    ("  asserter: {$ref: lab, key: [007]}\n", "z.map.yaml:8:31 E0523", ""),
    ("  asserter: {$ref: lab, key: [= b.SEQ else \"7\"]}\n", "", ""),
    ("  asserter: {$ref: pt, key: [= b.SEQ]}\n", "", ""),
    ("  asserter: {$ref: pt, kee: [= b.PT_ID]}\n", "z.map.yaml:8:24 E0203", "`key`"),
    ("  code: {$ref: pt, key: [= b.PT_ID]}\n", "z.map.yaml:8:9 E0518", ""),
    ("  code: {$if: b.KBN == \"1\", text: x}\n", "z.map.yaml:8:15 E0316", "expression"),
    ("  asserter: {$ref: pt, key: [b.PT_ID]}\n", "z.map.yaml:8:30 E0319", "= b.PT_ID"),
];
