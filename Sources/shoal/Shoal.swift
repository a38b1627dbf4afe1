// shoal: the command line, the one executable.
//
//   Commands  one file a command: arguments in, `Node`, `Engine` or a running node asked, output
//   Support   printing, exit statuses, finding and asking a running node
//   Testnet   processes and ports of a local mesh
//
// Each command prints for people, or with `--json` for programs. Errors go to standard error, and
// the exit status says of what kind they are.

import ArgumentParser
import Foundation
import Node

struct Shoal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shoal",
        abstract: "A private peer-to-peer mesh that serves language models.",
        discussion: """
            Try it on one machine:
              shoal testnet up --nodes 3        a local mesh
              shoal query "Once upon a time"    ask it
              shoal testnet down                stop it

            A mesh of your own:
              shoal mesh init                   on the first machine
              shoal node run --model FILE.gguf
              shoal invite create > ticket      one ticket for each further machine
              shoal join ticket                 on that machine
              shoal node run

            A node keeps its keys and settings in one directory: --dir, else $SHOAL_DIR, else
            .shoal in the current directory.

            Exit status: 0 success; 1 `shoal doctor` found a problem; 64 wrong usage; 65 damaged data; 66 a file that cannot be read;
            69 no node can serve; 70 a bug in shoal; 71 a port or another resource is taken; 75 try
            again later; 77 a ticket or certificate is refused; 78 wrong directory or configuration.
            """,
        version: ShoalVersion.current,
        subcommands: [
            QueryCommand.self, StatusCommand.self, DoctorCommand.self, NodeCommand.self,
            MeshCommand.self,
            InviteCommand.self, JoinCommand.self, TestnetCommand.self, GGUFCommand.self,
            BenchCommand.self, SimulateCommand.self,
        ])
}

@main
enum Main {
    static func main() async {
        // A reader that goes away (`shoal query … | head`) ends the command, without a trace.
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try Shoal.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error where error is CommandError || CommandError(explaining: error) != nil {
            let error = error as? CommandError ?? CommandError(explaining: error)
            Output.note("shoal: \(error?.description ?? "")")
            exit(error?.status.rawValue ?? ExitStatus.software.rawValue)
        } catch {
            let message = Shoal.fullMessage(for: error)
            let shown = TicketText.redacted(message)
            guard shown == message else {
                Output.note(shown)
                exit(Shoal.exitCode(for: error).rawValue)
            }
            Shoal.exit(withError: error)
        }
    }
}
