// shoal: the command line, the one executable.
//
// Commands parse arguments, call `Node`, `Engine` or a running node, and print. Each prints for
// people, or with `--json` for programs.

import ArgumentParser

@main
struct Shoal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A private peer-to-peer mesh that serves language models.")
}
