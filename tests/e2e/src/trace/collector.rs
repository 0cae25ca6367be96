//! A collector of spans that takes nothing but what the protocol allows.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use stand_ins::Server;

/// Keeps what it gets.
pub struct Collector {
    pub server: Server,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    services: Vec<String>,
    refused: Vec<String>,
}

impl Collector {
    /// Wants `authorization` in the header of that name.
    pub fn start(authorization: &'static str) -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let keeper = kept.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let mut kept = keeper.lock().expect("no poison");
            match read(&headers, &body, authorization) {
                Ok(request) => {
                    kept.take(request);
                    StatusCode::OK
                }
                Err(problem) => {
                    kept.refused.push(problem);
                    StatusCode::BAD_REQUEST
                }
            }
        };
        let server = Server::start(Router::new().route("/v1/traces", post(take)));
        Self {
            server: server.expect("a server"),
            kept,
        }
    }

    /// What has come, once each.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().expect("no poison");
        assert_eq!(kept.refused, Vec::<String>::new());
        kept.spans.clone()
    }

    pub fn services(&self) -> Vec<String> {
        self.kept.lock().expect("no poison").services.clone()
    }
}

impl Kept {
    fn take(&mut self, request: ExportTraceServiceRequest) {
        for resource in request.resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let name = attributes
                .into_iter()
                .find(|pair| pair.key == "service.name");
            if let Some(Value::StringValue(name)) = name.and_then(|pair| pair.value?.value) {
                self.services.push(name);
            }
            for scope in resource.scope_spans {
                for span in scope.spans {
                    if let Err(problem) = check(&span, &self.spans) {
                        self.refused.push(format!("{problem}: {span:?}"));
                    }
                    self.spans.push(span);
                }
            }
        }
    }
}

fn read(
    headers: &HeaderMap,
    body: &[u8],
    authorization: &str,
) -> Result<ExportTraceServiceRequest, String> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if header("content-type") != "application/x-protobuf" {
        return Err(format!("content-type `{}`", header("content-type")));
    }
    if header("authorization") != authorization {
        return Err("no authorization".to_owned());
    }
    ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string())
}

/// What the specification wants of a span.
fn check(span: &Span, others: &[Span]) -> Result<(), &'static str> {
    let zero = |id: &[u8]| id.iter().all(|byte| *byte == 0);
    if span.trace_id.len() != 16 || zero(&span.trace_id) {
        return Err("trace id");
    }
    if span.span_id.len() != 8 || zero(&span.span_id) {
        return Err("span id");
    }
    if !matches!(span.parent_span_id.len(), 0 | 8) || span.parent_span_id == span.span_id {
        return Err("parent");
    }
    if others.iter().any(|other| other.span_id == span.span_id) {
        return Err("sent twice");
    }
    if span.name.is_empty() || span.kind == 0 {
        return Err("name or kind");
    }
    if span.start_time_unix_nano == 0 || span.end_time_unix_nano < span.start_time_unix_nano {
        return Err("times");
    }
    Ok(())
}

/// A span by a part of its name.
#[track_caller]
pub fn span<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    // The run itself has the words of its steps in its name.
    let mut found: Vec<_> = spans
        .iter()
        .filter(|span| span.name.contains(name))
        .collect();
    found.sort_by_key(|span| span.name.len());
    let names = || {
        spans
            .iter()
            .map(|span| span.name.as_str())
            .collect::<Vec<_>>()
    };
    found
        .first()
        .copied()
        .unwrap_or_else(|| panic!("no span `{name}`: {:?}", names()))
}
