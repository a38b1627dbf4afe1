import Foundation

extension LinkFigures {
    /// For people, with what is to be reached beside it.
    public var text: String {
        var lines: [String] = []
        func number(_ value: Double, _ digits: Int = 0) -> String {
            String(format: "%.\(digits)f", value)
        }
        for (name, figure) in [("one stream", stream), ("one bulk stream", bulk)] {
            guard let figure else { continue }
            lines.append(
                "\(name): \(number(figure.megabytesPerSecond)) MB/s; libsodium's cipher alone "
                    + "\(number(figure.libsodiumMegabytesPerSecond)) MB/s; "
                    + "\(number(figure.sharePercent)) % (goal 70)")
            lines.append(
                "  processor time at its busier end alone would allow "
                    + "\(number(figure.processorMegabytesPerSecond)) MB/s, "
                    + "\(number(figure.processorSharePercent)) %")
        }
        for (name, figure) in [
            ("control, nothing else", controlAlone), ("control behind bulk", controlBehindBulk),
        ] {
            guard let figure else { continue }
            let (there, back) = (figure.oneWayMilliseconds, figure.roundTripMilliseconds)
            lines.append(
                "\(name): ms to the peer p50 \(number(there.p50, 3)), p99 \(number(there.p99, 3)), "
                    + "max \(number(there.max, 3)) (goal p99 2); round trip p50 "
                    + "\(number(back.p50, 3)), p99 \(number(back.p99, 3)), max "
                    + "\(number(back.max, 3)); \(figure.messages) messages, bulk "
                    + "\(number(figure.bulkMegabytesPerSecond)) MB/s")
        }
        if let memory {
            lines.append(
                "\(memory.links) links: \(number(memory.privateBytesPerLink / 1024, 1)) KiB private "
                    + "memory each (\(memory.privateBytesBefore >> 20) MiB before, "
                    + "\(memory.privateBytesAfter >> 20) MiB after)")
        }
        if let handshakes {
            lines.append(
                "handshakes: \(number(handshakes.perSecond)) a second from one address "
                    + "(\(handshakes.refused) refused), "
                    + "\(number(handshakes.serverProcessorMilliseconds, 2)) ms of the node each")
        }
        for flood in floods {
            lines.append(
                "flood, \(flood.kind.rawValue): \(number(flood.perSecond)) a second; "
                    + "\(flood.honestTried) honest peers connected in p50 "
                    + "\(number(flood.connectSeconds.p50, 3)) s, max "
                    + "\(number(flood.connectSeconds.max, 3)) s (goal 5); stream "
                    + "\(number(flood.streamMegabytesPerSecondDuring, 1)) of "
                    + "\(number(flood.streamMegabytesPerSecondBefore, 1)) MB/s, "
                    + "\(number(flood.streamSharePercent)) % (goal 80); node "
                    + "\(number(flood.serverProcessorsBusy, 2)) processors")
        }
        lines.append(
            "load of the machine: " + load.map { number($0, 1) }.joined(separator: " to "))
        return lines.joined(separator: "\n") + "\n"
    }
}
