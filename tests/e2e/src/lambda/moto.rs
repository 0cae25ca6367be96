//! moto, behind a proxy with faults, and what a test finds in the account.

use std::process::{Child, Stdio};

use serde_json::{Value, json};
use stand_ins::{Server, proxy};
use test_support::tools;

use super::registry::{answers, free_port};
use super::shop::{ACCOUNT, REGION};

pub struct Moto {
    process: Child,
    pub server: Server,
    url: String,
}

/// May be taken on by whoever, to do whatever.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

impl Moto {
    /// With a function `site`, which has no version yet, and a role.
    pub fn start() -> Self {
        let port = free_port();
        let process = tools::command("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no moto_server: run `cargo xtask tools`");
        let url = format!("http://127.0.0.1:{port}");
        answers(&format!("{url}/moto-api/data.json"));
        let moto = Self {
            process,
            server: proxy::to(&url).expect("a proxy"),
            url,
        };
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        moto.iam(
            "CreateRole",
            &format!("RoleName=deploy&AssumeRolePolicyDocument={trust}"),
        );
        let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        moto.iam(
            "PutRolePolicy",
            &format!("RoleName=deploy&PolicyName=all&PolicyDocument={all}"),
        );
        let image = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/site:first");
        let function = json!({
            "FunctionName": "site",
            "Role": ROLE,
            "PackageType": "Image",
            "Code": { "ImageUri": image },
        });
        let path = "/2015-03-31/functions";
        moto.ask("lambda", path, "application/json", &function.to_string());
        moto
    }

    fn iam(&self, action: &str, fields: &str) -> String {
        let form = format!("Action={action}&Version=2010-05-08&{fields}");
        self.ask("iam", "/", "application/x-www-form-urlencoded", &form)
    }

    fn ask(&self, service: &str, path: &str, kind: &str, body: &str) -> String {
        let mut answer = ureq::post(format!("{}{path}", self.url))
            .header("authorization", signature(service))
            .header("content-type", kind)
            .send(body)
            .expect("moto does it");
        answer.body_mut().read_to_string().expect("an answer")
    }

    /// The repository of the site at ECR.
    pub fn repository(&self) -> Value {
        let target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories";
        let mut answer = ureq::post(&self.url)
            .header("authorization", signature("ecr"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .send(r#"{"repositoryNames":["site"]}"#)
            .expect("a repository");
        let text = answer.body_mut().read_to_string().expect("an answer");
        let mut answer: Value = serde_json::from_str(&text).expect("a repository");
        answer["repositories"][0].take()
    }

    pub fn function(&self) -> Value {
        let mut answer = ureq::get(format!("{}/2015-03-31/functions/site", self.url))
            .header("authorization", signature("lambda"))
            .call()
            .expect("a function");
        let text = answer.body_mut().read_to_string().expect("an answer");
        serde_json::from_str(&text).expect("a function")
    }
}

/// moto reads which service is asked, and nothing else of it.
fn signature(service: &str) -> String {
    let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
