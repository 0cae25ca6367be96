//! Runs a stand-in by itself, for demos: prints its URLs, and ends with its parent.

use clap::{Parser, Subcommand};
use stand_ins::cloudflare::{Cloudflare, Settings};
use stand_ins::gitlab::{Gitlab, Role, Scope};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    service: Service,
}

#[derive(Subcommand)]
enum Service {
    /// Cloudflare's API for Workers; serves what is deployed.
    Cloudflare {
        /// 0 for a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// What clients must send as `CLOUDFLARE_API_TOKEN`.
        #[arg(long, env = "STAND_IN_CLOUDFLARE_TOKEN", hide_env_values = true)]
        token: Option<String>,
    },
    /// GitLab's API with the project 42 `shop/site` and its merge request !1.
    Gitlab {
        /// 0 for a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// What clients must send as `PRIVATE-TOKEN`: a Developer's.
        #[arg(long, env = "STAND_IN_GITLAB_TOKEN", hide_env_values = true)]
        token: String,
    },
}

fn main() -> eyre::Result<()> {
    let Arguments { service } = Arguments::parse();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    match service {
        Service::Cloudflare { port, token } => {
            let mut settings = Settings::default();
            settings.token = token.unwrap_or(settings.token);
            let cloudflare = Cloudflare::start_on(port, settings)?;
            let worker = cloudflare.settings().worker_url("<worker>");
            let workers = cloudflare.local_url(&worker)?;
            println!("{}\n{workers}", cloudflare.api_url());
            wait()
        }
        Service::Gitlab { port, token } => {
            let gitlab = Gitlab::start_on(port, "")?;
            let bot = gitlab.user("project_42_bot", Role::Developer);
            gitlab.token(&token, &bot, Scope::Api);
            gitlab.merge_request();
            println!("{}", gitlab.url());
            wait()
        }
    }
}

/// For the end of the process, which is its parent's.
fn wait() -> ! {
    loop {
        std::thread::park();
    }
}
