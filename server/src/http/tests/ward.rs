//! A hospital with visits, results, doctors and a list of patients, on a source that counts its
//! statements and can be told to fail.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use genkan_adapter::{
    AdapterError, Capabilities, ChangePage, ChangeRequest, ErrorCategory, Excess, Health, RowQuery,
    RowStream, SourceSchema, Statement,
};

use super::*;
use crate::governor::Governor;
use crate::sources::Source;

const SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4), NAME: varchar(20), NEW_ID: char(4), UPD: char(14)}}
VISIT:
  key: [NO]
  columns: {NO: integer, ID: char(4), DAY: char(8), DR: varchar(4), UPD: char(14)}
LAB:
  key: [NO]
  columns: {NO: integer, ID: char(4), VISIT: integer, STS: char(1), ITEM: varchar(9), DAY: char(8)}
DR: {key: [CD], columns: {CD: varchar(4), NAME: varchar(20)}}
LIST: {key: [CD], columns: {CD: varchar(4), NAME: varchar(20)}}
LISTED: {key: [CD, ID], columns: {CD: varchar(4), ID: char(4), LEFT_ON: char(8)}}
";

const RULES: [(&str, &str); 5] = [
    (
        "patient.map.yaml",
        "
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
updated: = p.UPD | datetime
emit:
  name: [{text: = p.NAME}]
  link: [{other: {$ref: patient, key: [= p.NEW_ID]}, type: replaced-by}]
",
    ),
    (
        "visit.map.yaml",
        "
rule: visit
resource: Encounter
from:
  v: {table: VISIT, key: [NO]}
updated: = v.UPD | datetime
emit:
  status: finished
  class: {code: AMB}
  subject: {$ref: patient, key: [= v.ID]}
  participant: [{individual: {$ref: doctor, key: [= v.DR]}}]
  period: {start: = v.DAY | date, end: = v.DAY | date}
",
    ),
    (
        "lab.map.yaml",
        "
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
updated: hash
emit:
  status: = l.STS | map F=final
  code: {text: = l.ITEM}
  subject: {$ref: patient, key: [= l.ID]}
  encounter: {$ref: visit, key: [= l.VISIT]}
  effectiveDateTime: = l.DAY | date
",
    ),
    (
        "doctor.map.yaml",
        "
rule: doctor
resource: Practitioner
from:
  d: {table: DR, key: [CD]}
updated: hash
emit:
  name: [{text: = d.NAME}]
",
    ),
    (
        "list.map.yaml",
        "
rule: list
resource: Group
from:
  g: {table: LIST, key: [CD]}
  m: {table: LISTED, many: [CD = g.CD], order: [ID]}
updated: hash
emit:
  type: person
  actual: true
  name: = g.NAME
  member:
    - $each: m
      entity: {$ref: patient, key: [= m.ID]}
      period: {end: = m.LEFT_ON | date}
",
    ),
];

/// Patients 1 to 3, of whom the third was merged into the first; ten results of the first, of which
/// the fourth is none, and two of the second; the list has the first two, and the third has left it.
fn rows() -> Rows {
    let mut rows = Vec::new();
    let mut row = |table: &str, cells: &[(&str, &str)]| {
        let typed = |(name, text): &(&str, &str)| match *name {
            "NO" | "VISIT" => ((*name).to_owned(), Cell::Integer(text.parse().expect("a number"))),
            _ => ((*name).to_owned(), Cell::text(*text)),
        };
        rows.push((table.to_owned(), cells.iter().map(typed).collect()));
    };
    for (id, name, new_id, day) in
        [("0001", "山田", "", "01"), ("0002", "鈴木", "", "02"), ("0003", "山田", "0001", "03")]
    {
        let upd = format!("202604{day}120000");
        row("PT", &[("ID", id), ("NAME", name), ("NEW_ID", new_id), ("UPD", &upd)]);
    }
    for (number, id, day, doctor) in [
        ("1", "0001", "20260401", "A"),
        ("2", "0001", "20260501", "B"),
        ("3", "0002", "20260401", "A"),
    ] {
        let upd = format!("{day}170000");
        row("VISIT", &[("NO", number), ("ID", id), ("DAY", day), ("DR", doctor), ("UPD", &upd)]);
    }
    for number in 1..=12 {
        let id = if number > 10 { "0002" } else { "0001" };
        let status = if number == 4 { "?" } else { "F" };
        let (visit, day) = match number {
            1..=5 => ("1", "20260401"),
            6..=10 => ("2", "20260501"),
            _ => ("3", "20260401"),
        };
        let number = number.to_string();
        let own = [("NO", number.as_str()), ("ID", id), ("VISIT", visit), ("STS", status)];
        row("LAB", &[&own[..], &[("ITEM", "Na"), ("DAY", day)]].concat());
    }
    row("DR", &[("CD", "A"), ("NAME", "医師 一")]);
    row("DR", &[("CD", "B"), ("NAME", "医師 二")]);
    row("LIST", &[("CD", "DM"), ("NAME", "糖尿病")]);
    for (id, left) in [("0001", ""), ("0002", ""), ("0003", "20200101")] {
        row("LISTED", &[("CD", "DM"), ("ID", id), ("LEFT_ON", left)]);
    }
    rows
}

pub struct Ward {
    pub served: web::Data<Served>,
    pub source: Arc<Faults>,
}

/// What happens at the source.
pub struct Faults {
    pub statements: AtomicUsize,
    /// The source is away for statements from this one on, counted from 1.
    pub away_from: AtomicUsize,
}

struct Faulty {
    adapter: SqlAdapter,
    faults: Arc<Faults>,
}

impl Ward {
    pub async fn new(change: impl FnOnce(&mut FhirConfig)) -> Self {
        Self::governed(change, Governor::default()).await
    }

    pub async fn governed(change: impl FnOnce(&mut FhirConfig), governor: Governor) -> Self {
        Self::made([7; 32], change, governor).await
    }

    pub async fn with_secret(secret: [u8; 32]) -> Self {
        Self::made(secret, |_| {}, Governor::default()).await
    }

    async fn made(
        secret: [u8; 32],
        change: impl FnOnce(&mut FhirConfig),
        governor: Governor,
    ) -> Self {
        let schema = schema::parse(SCHEMA).expect("the schema is right");
        let files = RULES.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        let site = SiteConfig::example().site().expect("a site");
        let compiled =
            compile(&RuleFiles(files.collect()), &schema.clone().into(), &site, &Store::default());
        let rules = compiled.rules.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        let identity = Identity::new(IdMode::Plain, &[SiteKey { generation: 'a', secret }]);
        let adapter = SqlAdapter::in_memory(&schema, &rows()).await.expect("a database");
        adapter.schema().await.expect("its catalog");
        let faults = Arc::new(Faults {
            statements: AtomicUsize::new(0),
            away_from: AtomicUsize::new(usize::MAX),
        });
        let faulty = Faulty { adapter, faults: Arc::clone(&faults) };
        let source = Source::new("main", Arc::new(faulty)).governed(governor);
        let mut fhir = FhirConfig {
            base_url: Some("https://fhir.test/fhir".to_owned()),
            ..FhirConfig::default()
        };
        change(&mut fhir);
        let service = Service::new(
            "みなと総合病院".to_owned(),
            rules,
            identity.expect("an identity"),
            Sources::new(vec![source]),
            &fhir,
            &HttpConfig::default(),
        );
        Ward { served: web::Data::new(Served::new(service)), source: faults }
    }

    pub async fn send(&self, request: TestRequest) -> Answered {
        self.source.statements.store(0, Ordering::Relaxed);
        send_to(self.served.clone(), request).await
    }

    pub async fn get(&self, uri: &str) -> Answered {
        self.send(TestRequest::get().uri(uri)).await
    }

    pub fn statements(&self) -> usize {
        self.source.statements.load(Ordering::Relaxed)
    }

    /// Asks for a stream while the source fails from a statement on: the status, and what was read
    /// until the answer broke off, if it did.
    pub async fn broken(&self, uri: &str, away_from: usize) -> (u16, Result<Vec<u8>, Vec<u8>>) {
        use actix_web::body::MessageBody as _;
        self.source.statements.store(0, Ordering::Relaxed);
        self.source.away_from.store(away_from, Ordering::Relaxed);
        let app = App::new().app_data(self.served.clone()).configure(routes);
        let app = init_service(app).await;
        let response = call_service(&app, TestRequest::get().uri(uri).to_request()).await;
        let status = response.status().as_u16();
        let mut body = Box::pin(response.into_body());
        let mut read = Vec::new();
        let end = loop {
            match std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await {
                Some(Ok(bytes)) => read.extend_from_slice(&bytes),
                Some(Err(_)) => break Err(read),
                None => break Ok(read),
            }
        };
        self.source.away_from.store(usize::MAX, Ordering::Relaxed);
        (status, end)
    }
}

#[async_trait]
impl Adapter for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.adapter.capabilities()
    }

    async fn schema(&self) -> Result<SourceSchema, AdapterError> {
        self.adapter.schema().await
    }

    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a> {
        let statement = self.faults.statements.fetch_add(1, Ordering::Relaxed) + 1;
        if statement >= self.faults.away_from.load(Ordering::Relaxed) {
            let error = AdapterError::new(ErrorCategory::Unreachable, "the source is away");
            return Box::pin(futures::stream::iter([Err(error)]));
        }
        self.adapter.rows(query)
    }

    async fn count(&self, query: &RowQuery) -> Result<u64, AdapterError> {
        self.adapter.count(query).await
    }

    async fn estimate(&self, query: &RowQuery) -> Result<Option<u64>, AdapterError> {
        self.adapter.estimate(query).await
    }

    fn explain(&self, query: &RowQuery) -> Option<Statement> {
        self.adapter.explain(query)
    }

    async fn database_plan(&self, query: &RowQuery) -> Result<Vec<String>, AdapterError> {
        self.adapter.database_plan(query).await
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        self.adapter.changes(request).await
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        self.adapter.health().await
    }
    async fn excess(&self) -> Result<Vec<Excess>, AdapterError> {
        self.adapter.excess().await
    }
}
