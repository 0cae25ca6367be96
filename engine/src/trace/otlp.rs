//! Steps as spans to a collector, as OpenTelemetry's variables ask for: OTLP in
//! protobuf over HTTP.
//!
//! Sent while the run goes on, the rest at its end. A collector that is not there
//! never fails a run: it is told once.

use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr, bail, eyre};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span, status,
};
use percent_encoding::percent_decode_str;
use prost::Message;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::oneshot;

use super::ids::{Context, RUN};
use super::record::{State, Step};
use super::{Ended, Run, Trace};
use crate::credentials::Veil;

/// Time between two messages.
const PERIOD: Duration = Duration::from_secs(2);
/// Spans in a message, as other exporters have it.
const BATCH: usize = 512;

/// Where spans go.
pub struct Exporter {
    url: reqwest::Url,
    client: reqwest::Client,
    gzip: bool,
    resource: Resource,
    /// Somebody was told that it does not work.
    told: bool,
}

/// A variable for traces, or that for all signals.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    fn otlp(&self, name: &str) -> Option<String> {
        self.get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
            .or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }

    fn is(&self, name: &str, wanted: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
    }
}

impl Exporter {
    /// None unless a collector is named.
    ///
    /// # Errors
    /// When what the variables ask for cannot be done.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let variables = Variables(variable);
        let off = variables.is("OTEL_SDK_DISABLED", "true")
            || variables.is("OTEL_TRACES_EXPORTER", "none");
        let Some(url) = url(&variables).filter(|_| !off) else {
            return Ok(None);
        };
        match variables.otlp("PROTOCOL").as_deref().map(str::trim) {
            None | Some("http/protobuf") => {}
            Some(other) => bail!(
                "OTEL_EXPORTER_OTLP_PROTOCOL is `{other}`: poniard speaks `http/protobuf`, which collectors take on port 4318"
            ),
        }
        let url = reqwest::Url::parse(&url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                eyre!("OTEL_EXPORTER_OTLP_ENDPOINT is no address like `http://host:4318`")
            })?;
        let timeout = match variables.otlp("TIMEOUT") {
            None => 10_000,
            Some(text) => text.trim().parse().map_err(|_| {
                eyre!("OTEL_EXPORTER_OTLP_TIMEOUT is `{text}`: expected milliseconds")
            })?,
        };
        let mut client = reqwest::Client::builder()
            .timeout(Duration::from_millis(timeout))
            .user_agent(concat!("poniard/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(&variables.otlp("HEADERS").unwrap_or_default())?);
        if let Some(file) = variables.otlp("CERTIFICATE") {
            let unusable = || format!("OTEL_EXPORTER_OTLP_CERTIFICATE: cannot use `{file}`");
            let pem = std::fs::read(&file).wrap_err_with(unusable)?;
            for certificate in
                reqwest::Certificate::from_pem_bundle(&pem).wrap_err_with(unusable)?
            {
                client = client.add_root_certificate(certificate);
            }
        }
        Ok(Some(Self {
            url,
            client: client.build()?,
            gzip: variables.otlp("COMPRESSION").as_deref() == Some("gzip"),
            resource: resource(&variables),
            told: false,
        }))
    }

    /// Sends what has ended from time to time, and the rest when it is told to stop.
    pub async fn run(mut self, trace: &Trace, mut stop: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => self.send(trace, false).await,
                _ = &mut stop => break,
            }
        }
        self.send(trace, true).await;
    }

    /// Sends what was not sent; at the end also the run itself.
    async fn send(&mut self, trace: &Trace, last: bool) {
        let spans = trace.unsent(last);
        for (at, batch) in spans.chunks(BATCH).enumerate() {
            let Err(error) = self.post(batch).await else {
                continue;
            };
            if !std::mem::replace(&mut self.told, true) || last {
                let host = self.url.host_str().unwrap_or_default();
                trace.tell(format!("cannot send spans to `{host}`: {error:#}"));
            }
            if !last {
                trace.unsend(&spans[at * BATCH..]);
            }
            return;
        }
    }

    async fn post(&self, spans: &[Sent]) -> Result<()> {
        let scope = InstrumentationScope {
            name: "poniard".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let message = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans: spans.iter().map(|sent| sent.span.clone()).collect(),
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let mut body = message.encode_to_vec();
        let mut request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/x-protobuf");
        if self.gzip {
            use std::io::Write;
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&body)?;
            body = packed.finish()?;
            request = request.header("content-encoding", "gzip");
        }
        let answer = request.body(body).send().await;
        let status = answer
            .map_err(|error| eyre::Report::new(error.without_url()))?
            .status();
        if !status.is_success() {
            bail!("it answers {status}");
        }
        Ok(())
    }
}

fn url(variables: &Variables) -> Option<String> {
    let own = variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    own.map(|url| url.trim().to_owned()).or_else(|| {
        let base = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(format!("{}/v1/traces", base.trim().trim_end_matches('/')))
    })
}

/// `name=value` with commas between, values percent-encoded.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8_lossy();
        Some((name.trim().to_owned(), value.into_owned()))
    })
}

fn headers(text: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(text) {
        // Not the value, which may be a token.
        let unusable = || eyre!("OTEL_EXPORTER_OTLP_HEADERS: `{name}` is no header");
        let header = HeaderName::try_from(&name).map_err(|_| unusable())?;
        let mut value = HeaderValue::try_from(&value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

fn resource(variables: &Variables) -> Resource {
    let mut all = indexmap::IndexMap::new();
    all.insert("service.name".to_owned(), "poniard".to_owned());
    let version = env!("CARGO_PKG_VERSION").to_owned();
    all.insert("service.version".to_owned(), version);
    let given = variables
        .get("OTEL_RESOURCE_ATTRIBUTES")
        .unwrap_or_default();
    all.extend(pairs(&given));
    if let Some(name) = variables.get("OTEL_SERVICE_NAME") {
        all.insert("service.name".to_owned(), name);
    }
    let attributes = all.into_iter();
    let attributes = attributes.map(|(name, value)| attribute(&name, Value::StringValue(value)));
    Resource {
        attributes: attributes.collect(),
        ..Resource::default()
    }
}

fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A span, and the step that it is.
#[derive(Clone)]
pub struct Sent {
    pub number: u64,
    span: Span,
}

/// What a span needs to know of its run.
pub struct Spans<'a> {
    run: &'a Run,
    context: &'a Arc<Context>,
    veil: Veil,
}

impl<'a> Spans<'a> {
    pub fn of(run: &'a Run) -> Self {
        Self {
            run,
            context: &run.context,
            veil: Veil::new(),
        }
    }

    pub fn step(&self, step: &Step, now: Duration) -> Sent {
        let mut attributes = Vec::new();
        // Names as the real engine has them, so that viewers know them.
        for (state, name) in [
            (State::Cached, "dagger.io/dag.cached"),
            (State::Stopped, "dagger.io/dag.canceled"),
        ] {
            if step.state == state {
                attributes.push(attribute(name, Value::BoolValue(true)));
            }
        }
        for (time, name) in [
            (step.waited.inputs, "poniard.waited.inputs_ms"),
            (step.waited.turn, "poniard.waited.turn_ms"),
        ] {
            let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            if millis > 0 {
                attributes.push(attribute(name, Value::IntValue(millis)));
            }
        }
        let parent = self.context.span(step.parent.unwrap_or(RUN)).to_vec();
        let error = step.error.as_deref();
        let end = step.end.unwrap_or(now);
        self.sent(
            step.number,
            parent,
            &step.name,
            step.start,
            end,
            error,
            attributes,
        )
    }

    /// The run itself.
    pub fn run(&self, took: Duration) -> Sent {
        let parent = self.context.parent.map_or(Vec::new(), |id| id.to_vec());
        let error = match &self.run.ended {
            Some(Ended::Failed(error)) => Some(error.as_str()),
            Some(Ended::Interrupted) => Some("interrupted"),
            _ => None,
        };
        let title = super::record::cut(&self.run.title.replace('\n', " "), 300);
        self.sent(RUN, parent, &title, Duration::ZERO, took, error, Vec::new())
    }

    #[expect(clippy::too_many_arguments, reason = "a span has that many sides")]
    fn sent(
        &self,
        number: u64,
        parent: Vec<u8>,
        name: &str,
        start: Duration,
        end: Duration,
        error: Option<&str>,
        attributes: Vec<KeyValue>,
    ) -> Sent {
        let nanos = |time: Duration| {
            let since = self.run.started + time;
            let since = since
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            u64::try_from(since.as_nanos()).unwrap_or_default()
        };
        let status = error.map(|error| Status {
            code: status::StatusCode::Error.into(),
            message: self.veil.over_text(error),
        });
        let span = Span {
            trace_id: self.context.trace.to_vec(),
            span_id: self.context.span(number).to_vec(),
            trace_state: self.context.state.clone(),
            parent_span_id: parent,
            flags: u32::from(self.context.sampled),
            name: self.veil.over_text(name),
            kind: span::SpanKind::Internal.into(),
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: nanos(end),
            attributes,
            status,
            ..Span::default()
        };
        Sent { number, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exporter(given: &[(&str, &str)]) -> Result<Option<Exporter>> {
        let given = given.to_vec();
        Exporter::from_variables(&move |name| {
            let found = given.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(given: &[(&str, &str)]) -> Option<String> {
        exporter(given)
            .unwrap()
            .map(|exporter| exporter.url.to_string())
    }

    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

    #[test]
    fn the_endpoint_of_traces_is_taken_as_it_is_and_the_common_one_has_a_path_added() {
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t.test/in");
        assert_eq!(
            url(&[(ALL, "http://c.test:4318/a/")]).unwrap(),
            "http://c.test:4318/a/v1/traces"
        );
        assert_eq!(
            url(&[(ALL, "http://c.test:4318"), traces]).unwrap(),
            "https://t.test/in"
        );
        for off in [
            ("OTEL_SDK_DISABLED", "TRUE"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ] {
            assert_eq!(url(&[(ALL, "http://c.test"), off]), None);
        }
        assert_eq!(url(&[(ALL, " ")]), None);
    }

    #[test]
    fn what_cannot_be_done_is_said_without_the_values_of_headers() {
        for (given, words) in [
            (vec![(ALL, "c.test:4318")], "no address"),
            (
                vec![
                    (ALL, "http://c.test"),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ],
                "http/protobuf",
            ),
            (
                vec![(ALL, "http://c.test"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "5s")],
                "milliseconds",
            ),
            (
                vec![
                    (ALL, "http://c.test"),
                    ("OTEL_EXPORTER_OTLP_HEADERS", "a b=t0ken"),
                ],
                "`a b`",
            ),
        ] {
            let error = exporter(&given).err().unwrap().to_string();
            assert!(error.contains(words) && !error.contains("t0ken"), "{error}");
        }
    }

    #[test]
    fn names_and_attributes_of_the_service_come_from_the_environment() {
        let exporter = exporter(&[
            (ALL, "http://c.test"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "team=web,path=a%2Cb,service.name=x",
            ),
            ("OTEL_SERVICE_NAME", "deploy"),
        ]);
        let resource = exporter.unwrap().unwrap().resource;
        let text = |wanted: &str| {
            let found = resource.attributes.iter().find(|pair| pair.key == wanted);
            found.and_then(|pair| pair.value.clone()?.value)
        };
        for (name, value) in [("team", "web"), ("path", "a,b"), ("service.name", "deploy")] {
            assert_eq!(
                text(name),
                Some(Value::StringValue(value.to_owned())),
                "{name}"
            );
        }
    }
}
