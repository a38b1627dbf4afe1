import ArgumentParser
import Mesh

/// `link`: the records of a stream, and handshakes.
struct LinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "One stream through a link in memory, and handshakes, beside libsodium alone.",
        discussion: """
            Each end's work is counted for itself, in processor time: sealing includes the stream's
            queue, its frames and the credit that comes back; opening includes checking frames,
            handing the bytes on and giving credit. Sockets are not part of it.
            """)

    @Option(help: "Rounds, of which medians are taken.")
    var rounds = 9

    @Option(help: "MiB that each round moves.")
    var mebibytes = 64

    @Option(help: "Bytes that are handed to the stream at once.")
    var pieceBytes = LinkLimits.recordPlaintextBytesMax

    @Option(help: "Handshakes in each round.")
    var handshakes = 100

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard rounds >= 1, 1...4096 ~= mebibytes, handshakes >= 1,
            1...LinkLimits.sendPieceBytesMax ~= pieceBytes
        else {
            throw ValidationError(
                "at least one round, one handshake, 1 to 4096 MiB, and pieces of 1 to "
                    + "\(LinkLimits.sendPieceBytesMax) bytes")
        }
    }

    func run() throws {
        let report = try LinkReport(
            rounds: rounds, bytesPerRound: mebibytes << 20, pieceBytes: pieceBytes,
            handshakesPerRound: handshakes)
        if json { try Output.json(report) } else { report.print() }
    }
}

/// What `link` measures. A megabyte is 10^6 bytes of the stream.
struct LinkReport: Encodable {
    /// One direction of work, and libsodium's part of it alone.
    struct Side: Encodable {
        /// The link's.
        let megabytesPerSecond: Double
        /// ChaCha20-Poly1305 of libsodium on messages of 16 KiB.
        let libsodiumMegabytesPerSecond: Double
        /// The first in percent of the second.
        let sharePercent: Double
    }

    /// Handshakes, both sides' work together.
    struct Handshakes: Encodable {
        /// The real ones, proofs verified.
        let perSecond: Double
        /// What libsodium could do if only its public-key operations counted.
        let publicKeyOperationsAlonePerSecond: Double
        /// The first in percent of the second.
        let sharePercent: Double
    }

    let rounds: Int
    let bytesPerRound: Int
    let pieceBytes: Int
    let seal: Side
    let open: Side
    let handshakes: Handshakes

    init(rounds: Int, bytesPerRound: Int, pieceBytes: Int, handshakesPerRound: Int) throws {
        self.rounds = rounds
        self.bytesPerRound = bytesPerRound
        self.pieceBytes = pieceBytes
        let mesh = try BenchmarkMesh()
        var pair = try LinkPair(mesh: mesh)
        var peer = SodiumPeer()
        var seal = Rounds()
        var open = Rounds()
        var peerSeal = Rounds()
        var peerOpen = Rounds()
        var handshakes = Rounds()
        var operations = Rounds()
        // The first round warms up and does not count.
        for round in 0...rounds {
            let alone = try peer.transfer(bytes: bytesPerRound)
            let linked = try pair.transfer(bytes: bytesPerRound, pieceBytes: pieceBytes)
            let bare = try peer.publicKeyOperations(of: handshakesPerRound)
            let whole = try mesh.handshakes(handshakesPerRound)
            guard round > 0 else { continue }
            let megabytes = Double(bytesPerRound) / 1e6
            seal.append(megabytes / linked.seal)
            open.append(megabytes / linked.open)
            peerSeal.append(megabytes / alone.seal)
            peerOpen.append(megabytes / alone.open)
            handshakes.append(Double(handshakesPerRound) / whole)
            operations.append(Double(handshakesPerRound) / bare)
        }
        func side(_ link: Rounds, _ peer: Rounds) -> Side {
            Side(
                megabytesPerSecond: link.median, libsodiumMegabytesPerSecond: peer.median,
                sharePercent: 100 * link.over(peer).median)
        }
        self.seal = side(seal, peerSeal)
        self.open = side(open, peerOpen)
        self.handshakes = Handshakes(
            perSecond: handshakes.median, publicKeyOperationsAlonePerSecond: operations.median,
            sharePercent: 100 * handshakes.over(operations).median)
    }

    func print() {
        let widths = [26, 10, 18, 7]
        Output.row(["medians of \(rounds)", "link", "libsodium alone", "share"], widths: widths)
        for (name, side) in [("seal, MB/s", seal), ("open, MB/s", open)] {
            Output.row(
                [
                    name, Output.number(side.megabytesPerSecond),
                    Output.number(side.libsodiumMegabytesPerSecond),
                    Output.number(side.sharePercent) + " %",
                ], widths: widths)
        }
        Output.row(
            [
                "handshakes, both sides, /s", Output.number(handshakes.perSecond),
                Output.number(handshakes.publicKeyOperationsAlonePerSecond),
                Output.number(handshakes.sharePercent) + " %",
            ], widths: widths)
    }
}
