//! What went wrong with a call, in the service's own words, and the next step.

use std::fmt;

use super::transport::Answer;

/// A call of an API that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// `Lambda`, `ECR` …
    pub service: &'static str,
    /// As in the API reference: `UpdateFunctionCode`.
    pub action: &'static str,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    /// The service refused, and did nothing.
    Refused {
        status: u16,
        /// Such as `ResourceNotFoundException`.
        code: String,
        message: String,
    },
    /// It never reached the service.
    NotSent(String),
    /// It may or may not have been done.
    Unsure(String),
}

impl Failure {
    pub fn code(&self) -> &str {
        match &self.kind {
            Kind::Refused { code, .. } => code,
            Kind::NotSent(_) | Kind::Unsure(_) => "",
        }
    }

    pub fn is(&self, code: &str) -> bool {
        self.code() == code
    }

    /// Whether what is there now tells how to go on: it may have been done after
    /// all, or somebody else's change stood in its way.
    pub fn is_worth_a_look(&self) -> bool {
        matches!(self.kind, Kind::Unsure(_))
            || self.is("ResourceConflictException")
            || self.is("PreconditionFailedException")
    }

    pub fn unreadable(service: &'static str, action: &'static str, why: impl fmt::Display) -> Self {
        Self {
            service,
            action,
            kind: Kind::Unsure(format!("its answer cannot be read: {why}")),
        }
    }

    fn next_step(&self) -> Option<String> {
        let Kind::Refused { status, code, .. } = &self.kind else {
            return None;
        };
        // The only one whose permission has another name.
        let action = match self.action {
            "Invoke" => "InvokeFunction",
            action => action,
        };
        let service = self.service.to_lowercase();
        Some(match code.as_str() {
            "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => {
                format!("allow `{service}:{action}` to this role")
            }
            "ExpiredToken" | "ExpiredTokenException" | "ExpiredIdentityTokenException" => {
                "the credentials have expired: start a new job, or make a new session".into()
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken" => {
                "check the access key, its secret and, for temporary keys, the session token".into()
            }
            "InvalidIdentityToken" => {
                "check that the token's audience is the one of the identity provider in IAM".into()
            }
            "RepositoryNotFoundException" => {
                "make the repository, or pass `--create-repository`".into()
            }
            "ResourceNotFoundException" if service == "lambda" => {
                "check the name, the region and the account".into()
            }
            _ if *status == 429 => "run it again later".into(),
            _ => return None,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.service, self.action)?;
        match &self.kind {
            Kind::Refused {
                status,
                code,
                message,
            } => {
                write!(f, "status {status}")?;
                if !code.is_empty() {
                    write!(f, ", {code}")?;
                }
                if !message.is_empty() {
                    write!(f, ": {}", message.trim_end_matches('.'))?;
                }
            }
            Kind::NotSent(why) => write!(f, "the service cannot be reached: {why}")?,
            Kind::Unsure(why) => write!(f, "no answer tells whether it was done: {why}")?,
        }
        match self.next_step() {
            Some(step) => write!(f, " ({step})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The code and the message of an answer: a header and JSON (Lambda), JSON
/// (ECR), XML (STS), or whatever stood in between.
pub fn read(answer: &Answer) -> (String, String) {
    let text = answer.text();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let field = |names: &[&str]| {
        let found = names.iter().find_map(|name| json[*name].as_str());
        found.map(str::to_owned)
    };
    let code = answer
        .header("x-amzn-errortype")
        .map(str::to_owned)
        .or_else(|| field(&["__type", "Code", "code"]))
        .or_else(|| element(&text, "Code").map(str::to_owned))
        .unwrap_or_default();
    // `com.amazonaws.ecr#Code`, `Code:http://…`
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default().to_owned();
    let message = field(&["message", "Message", "errorMessage"])
        .or_else(|| element(&text, "Message").map(str::to_owned))
        .unwrap_or_else(|| text.clone());
    let words: Vec<_> = message.split_whitespace().collect();
    (code, words.join(" ").chars().take(600).collect())
}

/// The text of the first element of that name.
pub fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(text, _)| text.trim())
}
