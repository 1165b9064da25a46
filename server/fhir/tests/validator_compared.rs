//! What HL7's own validator found and ours did not: both judged the official examples, each changed in
//! one place by chance. Every kind of disagreement in which ours was wrong stands here.

use genkan_fhir::validation::{Finding, Profiles, Validator, ValueSets};

fn told(source: &str) -> Vec<String> {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let report = Validator::new(&profiles, &value_sets).validate(source.as_bytes(), None, &[]);
    let errors = report.findings.iter().filter(|one| one.is_error());
    errors.map(|one: &Finding| format!("{} {}", one.id(), one.expression)).collect()
}

/// `'` for `"`.
fn expect(source: &str, expected: &[&str]) {
    assert_eq!(told(&source.replace('\'', "\"")), expected, "{source}");
}

#[test]
fn contained_resources_have_different_ids() {
    let contained = |id: &str| {
        format!(
            "{{'resourceType':'Patient','contained':[{{'resourceType':'Organization','id':'a','name':'x'}},
            {{'resourceType':'Organization','id':'{id}','name':'y'}}],
            'generalPractitioner':[{{'reference':'#a'}},{{'reference':'#b'}}]}}"
        )
    };
    expect(
        &contained("a"),
        &["V1018 Patient.contained[1]", "V1601 Patient.generalPractitioner[1]"],
    );
    expect(&contained("b"), &[]);
}

#[test]
fn an_extension_has_a_value_or_parts() {
    let congregation = |more: &str| {
        format!(
            "{{'resourceType':'Patient','extension':[{{'url':'http://hl7.org/fhir/StructureDefinition/patient-congregation'{more}}}]}}"
        )
    };
    let part = "'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/data-absent-reason','valueCode':'unknown'}]";
    expect(&congregation(",'valueString':'a'"), &[]);
    expect(&congregation(&format!(",'valueString':'a',{part}")), &["V1701 Patient.extension[0]"]);
    // Its definition asks for the value already.
    expect(&congregation(""), &["V1201 Patient.extension[0]"]);
    expect(
        "{'resourceType':'Patient','extension':[{'url':'http://example.jp/x'}]}",
        &["V1701 Patient.extension[0]", "V1013 Patient.extension[0]"],
    );
}

#[test]
fn twins_are_written_as_their_element_is() {
    let name =
        |given: &str| format!("{{'resourceType':'Patient','name':[{{'text':'a',{given}}}]}}");
    expect(&name("'given':['a'],'_given':[{'id':'b'}]"), &[]);
    expect(&name("'given':['a'],'_given':{'id':'b'}"), &["V2009 "]);
    expect(&name("'family':'a','_family':[{'id':'b'}]"), &["V2009 "]);
}

#[test]
fn the_resource_type_is_one_plain_word() {
    expect(
        "{'resourceType':'Patient','_resourceType':{'id':'a'}}",
        &["V1001 Patient.resourceType"],
    );
    expect("{'resourceType':['Patient']}", &["V1006 Patient.resourceType"]);
}

#[test]
fn the_system_of_an_identifier_is_absolute() {
    let system = |system: &str| {
        format!("{{'resourceType':'Patient','identifier':[{{'system':'{system}','value':'1'}}]}}")
    };
    expect(&system("urn:x"), &[]);
    expect(&system("zzz"), &["V1106 Patient.identifier[0].system"]);
    expect(&system("#zzz"), &["V1106 Patient.identifier[0].system"]);
}

#[test]
fn the_system_of_a_quantity_is_absolute() {
    let system = |system: &str| {
        format!(
            "{{'resourceType':'Observation','status':'final','code':{{'text':'a'}},\
             'valueQuantity':{{'value':1,'system':'{system}','code':'a'}}}}"
        )
    };
    expect(&system("urn:x"), &[]);
    expect(&system("zzz"), &["V1106 Observation.value.ofType(Quantity).system"]);
}

#[test]
fn oids_and_uuids_in_uris_are_well_formed() {
    let system = |system: &str| {
        format!("{{'resourceType':'Patient','identifier':[{{'system':'{system}','value':'1'}}]}}")
    };
    for sound in ["urn:oid:1.2.392.100495", "urn:oid:2.999", "urn:oid:1.0.3166"] {
        expect(&system(sound), &[]);
    }
    for broken in ["urn:oid:1.2.3.04", "urn:oid:3.1", "urn:oid:1", "urn:oid:1..2", "urn:oid:"] {
        expect(&system(broken), &["V1101 Patient.identifier[0].system"]);
    }
    expect(&system("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"), &[]);
    expect(&system("urn:uuid:53fefa32-fcbb-4ff8-8a92"), &["V1101 Patient.identifier[0].system"]);
}

#[test]
fn a_code_of_no_system_is_in_no_value_set() {
    let status = |coding: &str| {
        format!(
            "{{'resourceType':'Condition','subject':{{'reference':'Patient/1'}},'clinicalStatus':{{'coding':[{coding}]}}}}"
        )
    };
    let system = "'system':'http://terminology.hl7.org/CodeSystem/condition-clinical'";
    expect(&status(&format!("{{{system},'code':'active'}}")), &[]);
    expect(&status("{'code':'active'}"), &["V1501 Condition.clinicalStatus"]);
    expect(&status(&format!("{{'code':'active'}},{{{system},'code':'active'}}")), &[]);
}

#[test]
fn a_reference_has_no_blanks() {
    let reference = |text: &str| {
        format!("{{'resourceType':'Patient','managingOrganization':{{'reference':'{text}'}}}}")
    };
    expect(&reference("http://example.org/Organization/a"), &[]);
    expect(&reference("http://example.org/a b"), &["V1603 Patient.managingOrganization"]);
}

#[test]
fn a_language_is_written_as_bcp_47_says() {
    let language = |code: &str| format!("{{'resourceType':'Patient','language':'{code}'}}");
    for sound in ["ja", "ja-JP", "en", "zh-Hant-TW", "de-DE-1996", "x-klingon", "i-klingon", "yue"]
    {
        expect(&language(sound), &[]);
    }
    for broken in ["2023-02-03", "Patient/zz", "#nope", "japanese-language-x-", "j", "日本語"] {
        expect(&language(broken), &["V1501 Patient.language"]);
    }
    let spoken = |coding: &str| {
        format!(
            "{{'resourceType':'Patient','communication':[{{'language':{{'coding':[{{{coding}}}]}}}}]}}"
        )
    };
    expect(&spoken("'system':'urn:ietf:bcp:47','code':'ja'"), &[]);
    expect(
        &spoken("'system':'urn:ietf:bcp:47','code':'1'"),
        &["V1501 Patient.communication[0].language"],
    );
    expect(&spoken("'system':'http://example.jp/languages','code':'1'"), &[]);
}
