//! Pages as files: bounded, whole, and without anything secret.
