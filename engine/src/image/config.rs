//! The OCI image configuration: read into [`ImageConfig`], and written.

use std::collections::BTreeMap;

use eyre::{Result, WrapErr};
use oci_spec::image::{ImageConfiguration, Platform};
use serde_json::{Value, json};

use super::ImageConfig;
use crate::store::Digest;

/// A configuration, and the digests of the layers (uncompressed) it belongs to.
pub(crate) fn read(text: &[u8]) -> Result<(ImageConfig, Vec<Digest>)> {
    let parsed: ImageConfiguration =
        serde_json::from_slice(text).wrap_err("cannot read the image's configuration")?;
    let raw: Value = serde_json::from_slice(text)?;
    let platform = [parsed.os().to_string(), parsed.architecture().to_string()];
    let platform = platform
        .into_iter()
        .chain(parsed.variant().clone())
        .collect::<Vec<_>>();
    let mut config = ImageConfig {
        platform: platform.join("/"),
        ..ImageConfig::default()
    };
    if let Some(inner) = parsed.config() {
        for variable in inner.env().iter().flatten() {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            config.env.retain(|(known, _)| known != name);
            config.env.push((name.to_owned(), value.to_owned()));
        }
        config.entrypoint = inner.entrypoint().clone().unwrap_or_default();
        config.cmd = inner.cmd().clone().unwrap_or_default();
        config.workdir = inner.working_dir().clone().unwrap_or_default();
        config.user = inner.user().clone().unwrap_or_default();
        config.labels = inner
            .labels()
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect();
        config.labels.sort();
        config.exposed_ports = inner.exposed_ports().clone().unwrap_or_default();
        config.exposed_ports.sort();
        config.volumes = inner.volumes().clone().unwrap_or_default();
        config.volumes.sort();
        config.stop_signal = inner.stop_signal().clone();
        config.healthcheck = raw
            .pointer("/config/Healthcheck")
            .filter(|check| !check.is_null())
            .cloned();
    }
    let diff_ids = parsed.rootfs().diff_ids().iter().map(|id| Ok(id.parse()?));
    Ok((config, diff_ids.collect::<Result<_>>()?))
}

/// The configuration as JSON; the same input gives the same bytes.
pub(crate) fn write(config: &ImageConfig, diff_ids: &[Digest]) -> Result<Vec<u8>> {
    let mut inner = serde_json::Map::new();
    let mut set = |name: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !empty {
            inner.insert(name.to_owned(), value);
        }
    };
    let keys = |list: &[String]| {
        list.iter()
            .map(|key| (key.clone(), json!({})))
            .collect::<BTreeMap<_, _>>()
    };
    set("User", json!(config.user));
    set("ExposedPorts", json!(keys(&config.exposed_ports)));
    let env = config
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    set("Env", env.collect());
    set("Entrypoint", json!(config.entrypoint));
    set("Cmd", json!(config.cmd));
    set("Healthcheck", json!(config.healthcheck));
    set("Volumes", json!(keys(&config.volumes)));
    set("WorkingDir", json!(config.workdir));
    set(
        "Labels",
        json!(config.labels.iter().cloned().collect::<BTreeMap<_, _>>()),
    );
    set("StopSignal", json!(config.stop_signal));
    let mut whole = platform_json(&config.platform);
    if let Value::Object(fields) = &mut whole {
        fields.insert("config".to_owned(), Value::Object(inner));
        fields.insert(
            "rootfs".to_owned(),
            json!({ "type": "layers", "diff_ids": diff_ids }),
        );
        let history = diff_ids.iter().map(|_| json!({ "created_by": "poniard" }));
        fields.insert("history".to_owned(), history.collect());
    }
    Ok(serde_json::to_vec(&whole)?)
}

/// `os/arch/variant` as descriptors have it.
pub(super) fn platform_json(platform: &str) -> Value {
    let mut parts = platform.splitn(3, '/');
    let mut value = json!({
        "architecture": "amd64",
        "os": parts.next().filter(|os| !os.is_empty()).unwrap_or("linux"),
    });
    if let Some(architecture) = parts.next() {
        value["architecture"] = json!(architecture);
    }
    if let Some(variant) = parts.next() {
        value["variant"] = json!(variant);
    }
    value
}

/// Whether something for `platform` is meant. `linux/arm64` takes `linux/arm64/v8`.
pub(super) fn fits(platform: &Platform, wanted: &str) -> bool {
    let os_and_arch = format!("{}/{}", platform.os(), platform.architecture());
    match platform.variant() {
        Some(variant) => wanted == os_and_arch || wanted == format!("{os_and_arch}/{variant}"),
        None => wanted == os_and_arch || wanted.starts_with(&format!("{os_and_arch}/")),
    }
}

/// The platform of this machine.
pub fn host_platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        "riscv64" => "linux/riscv64",
        "powerpc64" => "linux/ppc64le",
        "s390x" => "linux/s390x",
        _ => "linux/unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ImageConfig {
        let text = |list: &[&str]| {
            list.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        ImageConfig {
            platform: "linux/arm64/v8".to_owned(),
            env: vec![("B".into(), "2=x".into()), ("A".into(), String::new())],
            entrypoint: text(&["/e", "a b"]),
            cmd: text(&["c"]),
            workdir: "/w".to_owned(),
            user: "1:2".to_owned(),
            labels: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
            exposed_ports: text(&["53/udp", "80/tcp"]),
            healthcheck: Some(json!({ "Test": ["CMD", "x"], "Interval": 5 })),
            stop_signal: Some("SIGINT".to_owned()),
            volumes: text(&["/v"]),
        }
    }

    #[test]
    fn a_configuration_reads_back_as_it_was_written() {
        let ids = vec![Digest::of(b"1"), Digest::of(b"2")];
        let text = write(&config(), &ids).expect("writes");
        assert_eq!(read(&text).expect("reads"), (config(), ids.clone()));
        assert_eq!(write(&config(), &ids).expect("writes"), text);
        let plain = ImageConfig {
            platform: "linux/amd64".to_owned(),
            ..ImageConfig::default()
        };
        assert_eq!(
            read(&write(&plain, &[]).expect("writes")).expect("reads"),
            (plain, vec![])
        );
    }

    #[test]
    fn a_configuration_of_docker_is_read() {
        let text = br#"{"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z",
            "config":{"Hostname":"","Env":["PATH=/bin","PATH=/usr/bin"],"Cmd":null,"Labels":null,
            "ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["NONE"]},"ArgsEscaped":true},
            "rootfs":{"type":"layers","diff_ids":[]},"history":[]}"#;
        let (config, _) = read(text).expect("reads");
        assert_eq!(config.env, [("PATH".to_owned(), "/usr/bin".to_owned())]);
        assert_eq!(config.exposed_ports, ["80/tcp"]);
        assert_eq!(config.healthcheck, Some(json!({ "Test": ["NONE"] })));
        assert!(read(b"{").is_err());
    }

    #[test]
    fn platforms_fit_with_and_without_a_variant() {
        let platform =
            |value: Value| serde_json::from_value::<Platform>(value).expect("a platform");
        let v8 = platform(json!({ "architecture": "arm64", "os": "linux", "variant": "v8" }));
        let amd = platform(json!({ "architecture": "amd64", "os": "linux" }));
        assert!(fits(&v8, "linux/arm64") && fits(&v8, "linux/arm64/v8"));
        assert!(!fits(&v8, "linux/arm64/v7") && !fits(&v8, "linux/amd64"));
        assert!(fits(&amd, "linux/amd64") && !fits(&amd, "windows/amd64"));
    }
}
