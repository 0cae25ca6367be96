//! The module under test: one of everything that a module can declare.

use poniard_sdk::api::{NetworkProtocol, Platform};
use poniard_sdk::prelude::*;
use poniard_sdk::serde::{Deserialize, Serialize};

pub const VERSION: &str = "1.2";

/// How to pay.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payment {
    /// Coins.
    Cash,
    #[member(value = "credit-card", deprecated = "Use CASH.")]
    CreditCard,
}

/// A thing that is sold.
#[object(deprecated = "Use Shop.")]
#[derive(Debug, PartialEq)]
pub struct Ware {
    /// What it is.
    pub label: String,
    #[field(name = "sizeCM", deprecated = "Measure yourself.")]
    pub size: Option<f64>,
    parts: Vec<Ware>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(crate = "poniard_sdk::serde")]
pub struct Ledger {
    sold: u64,
}

/// A shop.
///
/// It sells wares.
#[object]
pub struct Shop {
    /// Where it is.
    pub town: String,
    pub stock: Option<Directory>,
    paid: Vec<Payment>,
    ledger: State<Ledger>,
}

#[functions]
impl Shop {
    /// Opens the shop.
    pub async fn new(
        /// Where to open.
        #[arg(default = "Basle")]
        town: String,
        #[arg(default_path = "/", ignore = ["target", "**/*.log"])] stock: Option<Directory>,
    ) -> Result<Self> {
        ensure!(!town.is_empty(), "`town` is empty");
        Ok(Self {
            town,
            stock,
            paid: vec![Payment::Cash],
            ledger: State::default(),
        })
    }

    /// Sells a ware.
    #[function(cache = "never")]
    pub fn sell(mut self, #[arg(default = Payment::CreditCard)] by: Payment) -> Self {
        self.paid.push(by);
        self.ledger.sold += 1;
        self
    }

    #[function(cache = "session")]
    pub fn sold(&self) -> u64 {
        self.ledger.sold
    }

    #[function(cache = "1h30m", name = "theURL", deprecated = "Use `town`.")]
    pub fn url(
        &self,
        #[arg(name = "someHTTPPort", default = 80, deprecated = "Always 80.")] port: u16,
        #[arg(default = VERSION)] version: String,
        #[arg(default = [])] tags: Vec<String>,
        #[arg(default = -1)] offset: i32,
    ) -> String {
        format!(
            "http://{}:{port}/{version}/{}/{offset}",
            self.town,
            tags.join("+")
        )
    }

    /// Fails when the books are wrong.
    #[function(check, cache = "never")]
    pub async fn audit(&self, ws: Workspace, strict: Option<bool>) -> Result<()> {
        let found = ws.find_up("books.yaml").await.nullable()?;
        ensure!(found.is_some() || strict != Some(true), "no books");
        Ok(())
    }

    /// Writes the price list.
    #[function(generate)]
    pub fn prices(&self, ws: Workspace) -> Changeset {
        let shop = ws.directory(".");
        shop.with_new_file("prices", "3").changes(shop)
    }

    /// Serves the shop.
    #[function(up)]
    pub fn counter(&self) -> Result<Service> {
        Ok(dag().container().from("shop").as_service())
    }

    pub fn wares(&self, r#in: Vec<Ware>, with: Option<Ware>) -> Vec<Ware> {
        r#in.into_iter().chain(with).collect()
    }

    pub fn stocked(&self, label: String) -> Result<Option<Ware>> {
        Ok((label == "chair").then(|| Ware {
            label,
            size: Some(1.5),
            parts: vec![Ware {
                label: "leg".into(),
                size: None,
                parts: Vec::new(),
            }],
        }))
    }

    pub fn core(
        &self,
        #[arg(default_address = "alpine:3")] base: Container,
        #[arg(default = "linux/amd64")] platform: Option<Platform>,
        #[arg(default = NetworkProtocol::Tcp)] protocol: Option<NetworkProtocol>,
        socket: Option<Socket>,
        git: Option<GitRef>,
        repo: Option<GitRepository>,
        service: Option<Service>,
        cache: Option<CacheVolume>,
        env: Option<EnvFile>,
    ) -> Vec<Container> {
        let _ = (platform, protocol, socket, git, repo, service, cache, env);
        vec![base]
    }

    pub fn panics(&self) {
        let empty: [u8; 0] = [];
        let _ = empty[usize::from(self.public_helper())];
    }

    /// A command that fails in a directory used as an argument.
    pub async fn bake(&self) -> Result<String> {
        let failing = dag().container().from("oven").directory("/bread");
        let mounted = dag()
            .container()
            .from("shop")
            .with_directory("/bread", failing);
        mounted.stdout().await.wrap_err("cannot bake")
    }

    fn helper(&self, _: &str) -> (u8, u8) {
        (0, 1)
    }
}

impl Shop {
    pub fn public_helper(&self) -> u8 {
        self.helper("").1
    }
}
