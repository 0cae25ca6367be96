//! Egress: the host forwards what containers send and gives it its own address.
//!
//! The table of rules is *owned* by a running `nft`: the kernel removes it when
//! that process ends, which it does when its standard input closes, that is,
//! when poniard ends. Kernels before 5.12 do not know owners; there, the table is
//! removed on drop, and what a killed invocation leaves is an idle table that the
//! next one of the same number replaces.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use eyre::{Result, WrapErr, bail, eyre};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::claim::{Claim, PREFIX};
use super::outside::Outside;

/// Rules in force until dropped.
pub(super) struct Nat {
    table: String,
    owner: Option<Owner>,
}

/// A running `nft`, with what it goes on reading and writing.
struct Owner {
    _nft: Child,
    _answers: BufReader<ChildStdout>,
}

/// Time that `nft` may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

impl Nat {
    pub(super) async fn start(claim: &Claim, outside: &Outside, run_dir: &Path) -> Result<Self> {
        outside.run(forward_packets).await??;
        let table = claim.interface();
        match owned(claim, outside, run_dir).await {
            Ok(owner) => Ok(Self {
                table,
                owner: Some(owner),
            }),
            Err(NftError::Missing(e)) => Err(eyre!(
                "cannot run `nft`: {e}; install it (`apt-get install nftables`) and have it in `PATH`"
            )),
            Err(NftError::Refused(owned)) => {
                unowned(claim, outside)
                    .await
                    .wrap_err_with(|| format!("`nft -i`: {}", owned.trim()))?;
                Ok(Self { table, owner: None })
            }
        }
    }
}

impl Drop for Nat {
    fn drop(&mut self) {
        if self.owner.is_none() {
            let _ = std::process::Command::new("nft")
                .args(["delete", "table", "ip", &self.table])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

enum NftError {
    Missing(std::io::Error),
    Refused(String),
}

/// Commands that make the table. Invocations cannot reach each other.
fn script(claim: &Claim, flags: &str) -> String {
    let (table, subnet) = (claim.interface(), claim.address(0));
    format!(
        "add table ip {table} {{ {flags} }}\n\
         add chain ip {table} forward {{ type filter hook forward priority 0; }}\n\
         add rule ip {table} forward iifname \"{table}\" oifname \"poniard*\" drop\n\
         add chain ip {table} leave {{ type nat hook postrouting priority 100; }}\n\
         add rule ip {table} leave ip saddr {subnet}/{PREFIX} oifname != \"poniard*\" masquerade\n"
    )
}

async fn owned(claim: &Claim, outside: &Outside, run_dir: &Path) -> Result<Owner, NftError> {
    let mut nft = Command::new("nft");
    nft.arg("-i")
        // It writes a history file there.
        .env("HOME", run_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let nft = outside.run(move || nft.spawn()).await;
    let refused = |e: eyre::Report| NftError::Refused(e.to_string());
    let mut nft = nft.map_err(refused)?.map_err(NftError::Missing)?;
    let (Some(mut input), Some(output), Some(mut errors)) =
        (nft.stdin.take(), nft.stdout.take(), nft.stderr.take())
    else {
        return Err(NftError::Refused("no pipes".into()));
    };
    let mut answers = BufReader::new(output);
    let commands = format!(
        "{}list table ip {}\n",
        script(claim, "flags owner;"),
        claim.interface()
    );
    let refused = |e: std::io::Error| NftError::Refused(e.to_string());
    input
        .write_all(commands.as_bytes())
        .await
        .map_err(refused)?;
    // Held open: its end is the end of the table.
    nft.stdin = Some(input);

    let (mut line, mut error) = (String::new(), vec![0; 4096]);
    let talk = async {
        loop {
            tokio::select! {
                read = answers.read_line(&mut line) => match read.map_err(refused)? {
                    0 => return Err(NftError::Refused("`nft` ended".into())),
                    _ if line.contains("masquerade") => return Ok(()),
                    _ => line.clear(),
                },
                read = errors.read(&mut error) => {
                    let text = String::from_utf8_lossy(&error[..read.map_err(refused)?]);
                    return Err(NftError::Refused(text.into_owned()));
                }
            }
        }
    };
    match tokio::time::timeout(PATIENCE, talk).await {
        Ok(talked) => talked?,
        Err(_) => return Err(NftError::Refused("`nft` did not answer".into())),
    }
    Ok(Owner {
        _nft: nft,
        _answers: answers,
    })
}

async fn unowned(claim: &Claim, outside: &Outside) -> Result<()> {
    let table = claim.interface();
    let script = format!(
        "add table ip {table}\ndelete table ip {table}\n{}",
        script(claim, "")
    );
    let mut nft = Command::new("nft");
    nft.args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let started = outside.run(move || nft.spawn()).await?;
    let mut nft = started.wrap_err("cannot run `nft`")?;
    if let Some(mut input) = nft.stdin.take() {
        input
            .write_all(script.as_bytes())
            .await
            .wrap_err("cannot write to `nft`")?;
    }
    let output = nft
        .wait_with_output()
        .await
        .wrap_err("cannot wait for `nft`")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.lines().next().unwrap_or("no message");
        bail!(
            "cannot set up NAT: `nft`: {message}; poniard needs root with `CAP_NET_ADMIN` and a kernel with nftables NAT"
        )
    }
    Ok(())
}

/// Lets the host pass packets on. Left as it is when it does already.
fn forward_packets() -> Result<()> {
    let path = "/proc/sys/net/ipv4/ip_forward";
    let now = std::fs::read_to_string(path).wrap_err_with(|| format!("cannot read `{path}`"))?;
    if now.trim() == "1" {
        return Ok(());
    }
    std::fs::write(path, "1").wrap_err_with(|| {
        format!("cannot let the host forward packets: cannot write `{path}`; set it with `sysctl -w net.ipv4.ip_forward=1`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> String {
        let list = std::process::Command::new("nft")
            .args(["list", "tables"])
            .output()
            .unwrap();
        String::from_utf8(list.stdout).unwrap()
    }

    #[tokio::test]
    async fn where_tables_have_no_owner_one_is_replaced_and_removed() {
        let claim = Claim::take().unwrap();
        let outside = Outside::make(Path::new("/")).await.unwrap();
        let line = format!("table ip {}\n", claim.interface());
        unowned(&claim, &outside).await.unwrap();
        // As if the first one were left by an invocation that was killed.
        unowned(&claim, &outside).await.unwrap();
        assert_eq!(tables().matches(&line).count(), 1);
        drop(Nat {
            table: claim.interface(),
            owner: None,
        });
        assert!(!tables().contains(&line));
    }

    #[tokio::test]
    async fn a_table_that_was_left_does_not_hinder() {
        let claim = Claim::take().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let outside = Outside::make(dir.path()).await.unwrap();
        unowned(&claim, &outside).await.unwrap();
        drop(Nat::start(&claim, &outside, dir.path()).await.unwrap());
        assert!(!tables().contains(&format!("table ip {}\n", claim.interface())));
    }
}
