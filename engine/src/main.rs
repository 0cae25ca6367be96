fn main() -> std::process::ExitCode {
    poniard::cli::main()
}
