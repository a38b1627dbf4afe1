import Foundation
import Mesh
import MeshTransport
import Trust
import Wire

/// Another process of this program that takes a part in a measurement: what it does costs this one
/// nothing, and what it takes can be told from what this one takes.
final class PeerProcess {
    private let process = Process()
    private let input = Pipe()
    private let lines: LineReader

    /// - Parameter words: The part, and what it takes; see ``LinkPeerProcess``.
    init(_ words: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [LinkPeerProcess.command] + words
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        lines = LineReader(output.fileHandleForReading)
    }

    /// The next line that the peer says.
    func line() throws -> String {
        guard let line = lines.next() else { throw LinkFiguresError("the other process ended") }
        return line
    }

    /// Says a line to the peer.
    func say(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    /// Says a line to the peer, and gives its answer.
    func ask(_ line: String) throws -> String {
        try say(line)
        return try self.line()
    }

    /// Ends the peer.
    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

/// Lines of a pipe.
final class LineReader {
    private let handle: FileHandle
    private var buffer = Data()

    init(_ handle: FileHandle) { self.handle = handle }

    func next() -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer = Data(buffer[(end + 1)...]) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            let more = handle.availableData
            guard !more.isEmpty else { return nil }
            buffer += more
        }
    }
}

/// The parts that other processes of a run play.
public enum LinkPeerProcess {
    /// The first argument of such a process.
    public static let command = "links-peer"

    /// Plays the part that `words` name, until its input ends.
    public static func run(_ words: [String]) async throws {
        switch words.first {
        case "server": try await serve(BenchmarkMesh(text: words.last ?? ""))
        case "flood": try Flooder.run(Array(words.dropFirst()))
        default: throw LinkFiguresError("no such part")
        }
    }

    /// A node that answers what is measured. It says its port and id, and then its memory whenever
    /// it is asked.
    private static func serve(_ mesh: BenchmarkMesh) async throws {
        let credentials = try mesh.credentials()
        let node = try await mesh.node(credentials)
        for service in [LinkService.measure, .inference] {
            await node.setHandler(for: service) { stream, _ in
                // Takes all, and says how much it was.
                var count = 0
                while let pieces = try? await stream.readPieces() {
                    count += pieces.reduce(0) { $0 + $1.count }
                }
                try? await stream.send(Array("\(count)".utf8))
            }
        }
        await node.setHandler(for: .control) { stream, _ in
            // Says when each byte came, by the clock that all processes share.
            while let bytes = try? await stream.read() {
                let now = monotonicNanoseconds()
                for _ in bytes { try? await stream.send(withUnsafeBytes(of: now) { Array($0) }) }
            }
        }
        let port = try await node.listen(host: "127.0.0.1", port: 0)
        say("\(port) \(credentials.identity.nodeID)")
        let lines = LineReader(.standardInput)
        while lines.next() != nil { say("\(privateBytes()) \(processSeconds())") }
        await node.shutdown()
    }

    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

/// A clock that all processes of the machine share.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Bytes of memory that are this process's alone.
func privateBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").reduce(0) { sum, line in
        guard line.hasPrefix("Private_"),
            let kibibytes = line.split(separator: " ").dropFirst().first
        else { return sum }
        return sum + (Int(kibibytes) ?? 0) * 1024
    }
}
