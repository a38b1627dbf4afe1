import ArgumentParser

/// What the exit status of `shoal` means, after BSD's sysexits(3). 0 is success.
enum ExitStatus: Int32 {
    /// `shoal doctor` found a problem.
    case problem = 1
    /// The command line is wrong. (Also used by the argument parser itself.)
    case usage = 64
    /// A file or an answer is not what it should be: corrupt, hostile, of another format.
    case data = 65
    /// A file that was named cannot be read.
    case noInput = 66
    /// No node is running, or none can serve the request now.
    case unavailable = 69
    /// A bug in shoal.
    case software = 70
    /// A port or another resource of the system cannot be had.
    case system = 71
    /// Try again later: the mesh is overloaded.
    case temporary = 75
    /// Refused: a ticket, a certificate or a key is not accepted.
    case refused = 77
    /// The state directory or the configuration is wrong.
    case configuration = 78

    var code: ExitCode { ExitCode(rawValue) }
}

/// An error that is printed as one line and ends the command with its status.
struct CommandError: Error, CustomStringConvertible {
    let status: ExitStatus
    let description: String

    init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }
}
