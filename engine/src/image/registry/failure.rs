//! What a registry's failure means for the user, and what to do about it.

use std::error::Error;

use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};

use super::bounded::TooLong;

/// Why a registry was of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot {action} image `{image}`: `{host}` has no such image or tag{answer}")]
    Missing {
        action: &'static str,
        image: String,
        host: String,
        answer: String,
    },
    #[error(
        "cannot {action} image `{image}`: `{host}` refuses access{answer}; check the name, or log in (`docker login {host}`, or `with-registry-auth`)"
    )]
    Refused {
        action: &'static str,
        image: String,
        host: String,
        answer: String,
    },
    #[error(
        "cannot {action} image `{image}`: cannot reach `{host}`: {cause}; {}",
        ways_out(action)
    )]
    Unreachable {
        action: &'static str,
        image: String,
        host: String,
        cause: String,
    },
    /// It is there, but not what its digest and size say.
    #[error(
        "cannot {action} image `{image}`: what `{host}` sends is damaged: {cause}; try again, or push the image anew"
    )]
    Damaged {
        action: &'static str,
        image: String,
        host: String,
        cause: String,
    },
    #[error("cannot {action} image `{image}`: `{host}` failed: {cause}; try again later")]
    Other {
        action: &'static str,
        image: String,
        host: String,
        cause: String,
    },
}

impl Failure {
    pub fn new(
        action: &'static str,
        image: &str,
        host: &str,
        error: &OciDistributionError,
    ) -> Self {
        let (image, host) = (image.to_owned(), host.to_owned());
        match error {
            OciDistributionError::ImageManifestNotFoundError(_) => Self::Missing {
                action,
                image,
                host,
                answer: String::new(),
            },
            OciDistributionError::DigestError(DigestError::VerificationError {
                expected,
                actual,
            }) => Self::Damaged {
                action,
                image,
                host,
                cause: wrong_digest(expected, actual),
            },
            OciDistributionError::IoError(error) if TooLong::is_cause_of(error) => Self::Damaged {
                action,
                image,
                host,
                cause: error.to_string(),
            },
            OciDistributionError::RegistryError { envelope, .. } => {
                let texts: Vec<String> = envelope
                    .errors
                    .iter()
                    .map(|error| error.message.clone())
                    .filter(|text| !text.is_empty())
                    .collect();
                let answer = answer(&texts.join("; "));
                let has = |codes: &[OciErrorCode]| {
                    envelope
                        .errors
                        .iter()
                        .any(|error| codes.contains(&error.code))
                };
                use OciErrorCode::{
                    BlobUnknown, Denied, ManifestUnknown, NameUnknown, NotFound, Unauthorized,
                };
                if has(&[ManifestUnknown, NameUnknown, NotFound, BlobUnknown]) {
                    Self::Missing {
                        action,
                        image,
                        host,
                        answer,
                    }
                } else if has(&[Unauthorized, Denied]) {
                    Self::Refused {
                        action,
                        image,
                        host,
                        answer,
                    }
                } else {
                    Self::Other {
                        action,
                        image,
                        host,
                        cause: chain(error),
                    }
                }
            }
            OciDistributionError::ServerError {
                code: 404, message, ..
            } => Self::Missing {
                action,
                image,
                host,
                answer: answer(message),
            },
            OciDistributionError::ServerError {
                code: 401 | 403,
                message,
                ..
            }
            | OciDistributionError::AuthenticationFailure(message) => Self::Refused {
                action,
                image,
                host,
                answer: answer(message),
            },
            OciDistributionError::UnauthorizedError { .. } => Self::Refused {
                action,
                image,
                host,
                answer: String::new(),
            },
            OciDistributionError::RequestError(request)
                if request
                    .status()
                    .is_some_and(|status| [401, 403].contains(&status.as_u16())) =>
            {
                Self::Refused {
                    action,
                    image,
                    host,
                    answer: String::new(),
                }
            }
            OciDistributionError::RequestError(request)
                if request.status().is_none() && !is_no_json(request) =>
            {
                Self::Unreachable {
                    action,
                    image,
                    host,
                    cause: chain(request),
                }
            }
            error => Self::Other {
                action,
                image,
                host,
                cause: chain(error),
            },
        }
    }
}

/// A mirror or a recipe gives images and takes none.
fn ways_out(action: &str) -> &'static str {
    match action {
        "push" => "check the address and the network",
        _ => "check the network, name a mirror or a recipe for the image in `poniard.toml`",
    }
}

/// Whether it was all there, but not what it should be.
fn is_no_json(error: &dyn Error) -> bool {
    error
        .source()
        .is_some_and(|cause| cause.is::<serde_json::Error>())
}

pub(super) fn wrong_digest(expected: &str, actual: &str) -> String {
    format!("`{expected}` has the digest `{actual}`")
}

/// What the registry said, in brackets.
fn answer(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({})", text.chars().take(300).collect::<String>())
    }
}

/// An error with its causes, each said once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
