use poniard::api::{Options, Session};
use poniard::progress::Progress;
fn main() {
    let iso = poniard::exec::isolate().unwrap();
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(64 << 20).build().unwrap();
    rt.block_on(async {
        let t = std::time::Instant::now();
        let s = Session::start(Options { state_dir: "/work/state".into(), workdir: std::env::current_dir().unwrap(), config: std::env::var_os("PONIARD_CONFIG").map(Into::into), run_dir: iso.run_dir.clone(), progress: Progress::new(|e| if std::env::var_os("V").is_some() { eprintln!("{e:?}") } else if let poniard::progress::Event::Finished{error:Some(e),..} = e { eprintln!("FAIL {e}") }) }).await.unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(1) });
        eprintln!("started {:?}", t.elapsed());
        let mut args: Vec<String> = std::env::args().skip(1).collect();
        if args[0] == "-m" { let m = args[1].clone(); let l = s.load(&m, &std::env::current_dir().unwrap()).await; eprintln!("{l:?} {:?}", t.elapsed()); args.drain(..2); }
        for q in args {
            let t = std::time::Instant::now();
            match s.query(&q, serde_json::json!({})).await { Ok(v) => println!("{v}"), Err(e) => println!("ERR {e} {:?}", e.extensions) }
            eprintln!("query {:?}", t.elapsed());
        }
        s.close().await.unwrap();
    });
}
