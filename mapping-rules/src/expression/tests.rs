//! What the grammar takes, how tightly it binds, and what it says about the rest.

use super::*;

fn shape(text: &str) -> String {
    let span = Span { file: 0, line: 1, column: 1, length: 1 };
    parse(text, span).map_or_else(|d| format!("{}@{}", d.code, d.span.column), |e| show(&e))
}

fn show(e: &Expression) -> String {
    use ExpressionKind as K;
    let list = |items: &[Expression]| items.iter().map(show).collect::<Vec<_>>().join(" ");
    match &e.kind {
        K::Name(n) => format!("{}.{}", n.qualifier, n.name),
        K::Text(t) => format!("'{t}'"),
        K::Template(p) => format!("(template {})", list(p)),
        K::Concat(p) => format!("(& {})", list(p)),
        K::Pipe(e, Lens::Map(map)) => {
            format!("(map {} {:?} {:?})", show(e), map.pairs.len(), map.otherwise)
        }
        K::Pipe(e, lens) => format!("({lens:?} {})", show(e)),
        K::Else(a, b) => format!("(else {} {})", show(a), show(b)),
        K::Lookup { table, key } => format!("(lookup {table} {})", show(key)),
        K::Compare(a, op, b) => format!("({op:?} {} {})", show(a), show(b)),
        K::In(e, v) => format!("(in {} {v:?})", show(e)),
        K::Exists(e) => format!("(exists {})", show(e)),
        K::Not(e) => format!("(not {})", show(e)),
        K::And(t) => format!("(and {})", list(t)),
        K::Or(t) => format!("(or {})", list(t)),
    }
}

#[test]
fn precedence_is_as_the_reference_says() {
    for (text, expected) in [
        ("d.X", "d.X"),
        ("r.TANI else m.TANI | hankaku", "(Hankaku (else r.TANI m.TANI))"),
        ("d.TENKI | map 1=resolved 2=x else active", "(map d.TENKI 2 Some(\"active\"))"),
        ("p.A & p.B | trim", "(& p.A (Trim p.B))"),
        ("r.S in \"F\" \"C\" and o.T != \"1\"", "(and (in r.S [\"F\", \"C\"]) (NotEqual o.T '1'))"),
        ("not (r.K | is.number)", "(not (IsNumber r.K))"),
        ("not a.X exists or a.Y exists", "(or (not (exists a.X)) (exists a.Y))"),
        ("\"$(a.X)-$(b.Y | trim)\"", "(template a.X '-' (Trim b.Y))"),
        ("\"urn:oid:1.2$(site.no)\"", "(template 'urn:oid:1.2' site.no)"),
        ("lookup(\"unit\", m.TANI) else m.TANI", "(else (lookup unit m.TANI) m.TANI)"),
        ("m.TANI | trim | lookup merit9-unit | zen", "(Zen (lookup merit9-unit (Trim m.TANI)))"),
        ("m.A | lookup \"a b\" else m.B & m.C", "(& (else (lookup a b m.A) m.B) m.C)"),
        ("(m.A & m.B) | lookup unit", "(lookup unit (& m.A m.B))"),
        ("a.X | map \"a b\"=\"c d\" | trim", "(Trim (map a.X 1 None))"),
        ("a.患者番号 >= \"1\"", "(GreaterOrEqual a.患者番号 '1')"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn every_mistake_has_a_code_and_a_column() {
    for (text, expected) in [
        ("", "E0306@1"),
        ("d.X | date.warekl", "E0312@7"),
        ("male", "E0315@1"),
        ("d.X == ", "E0307@8"),
        ("d.X | map", "E0314@7"),
        ("d.X | lookup", "E0326@7"),
        ("d.X | lookpu unit", "E0312@7"),
        ("lookup(\"unit\"", "E0307@14"),
        ("d.X | map 1=a 1=b", "E0313@7"),
        ("\"open", "E0304@1"),
        ("\"$(d.X\"", "E0305@4"),
        ("d.X in male", "E0308@5"),
        ("d.X ? d.Y", "E0301@5"),
        ("d.X d.Y", "E0307@5"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
    let deep = format!("{}d.X{}", "(".repeat(40), ")".repeat(40));
    assert!(shape(&deep).starts_with("E0309"));
}
