import Testing
import Wire

@testable import MeshTransport

@Suite struct DatagramSocketTests {
    private func address(_ text: String) throws -> NetworkAddress {
        try #require(NetworkAddress(text))
    }

    /// A socket on a free port of loopback, and its address as `host` names it.
    private func socket(
        _ host: String, seenAs text: String = "127.0.0.1", bytesMax: Int = 100
    ) throws -> (DatagramSocket, NetworkAddress) {
        for port in 30_000..<31_000 {
            guard
                let socket = try? DatagramSocket(host: host, port: port, bytesMax: bytesMax)
            else { continue }
            return (socket, try address("\(text):\(port)"))
        }
        throw LinkTestError.noFreePort
    }

    private enum LinkTestError: Error { case noFreePort }

    private func next(_ socket: DatagramSocket) -> (bytes: [UInt8], from: NetworkAddress)? {
        // Loopback delivers before the sender's call returns.
        if case .datagram(let bytes, let source) = socket.receive() { return (bytes, source) }
        return nil
    }

    @Test func datagramsCarryWhereTheyCameFrom() throws {
        let (one, oneAddress) = try socket("127.0.0.1")
        let (two, twoAddress) = try socket("127.0.0.1")
        #expect(next(one) == nil)
        #expect(two.send([1, 2, 3], to: oneAddress))
        #expect(two.send([], to: oneAddress))
        #expect(two.send([UInt8](repeating: 7, count: 100), to: oneAddress))
        let first = next(one)
        #expect(first?.bytes == [1, 2, 3] && first?.from == twoAddress)
        #expect(next(one)?.bytes == [])
        #expect(next(one)?.bytes.count == 100)
        guard case .drained = one.receive() else {
            Issue.record("more than was sent")
            return
        }
    }

    @Test func whatIsTooLongShows() throws {
        let (one, oneAddress) = try socket("127.0.0.1", bytesMax: 10)
        let (two, _) = try socket("127.0.0.1")
        #expect(two.send([UInt8](repeating: 7, count: 11), to: oneAddress))
        #expect(two.send([UInt8](repeating: 7, count: 60), to: oneAddress))
        #expect(next(one)?.bytes.count == 11 && next(one)?.bytes.count == 11)
    }

    @Test func aSocketForAllAddressesSeesIPv4AsSuch() throws {
        guard let (both, _) = try? socket("::") else { return }  // no IPv6 here
        let (four, fourAddress) = try socket("127.0.0.1")
        #expect(both.send([1], to: fourAddress))
        let received = try #require(next(four))
        let answer = NetworkAddress(host: .v4([127, 0, 0, 1]), port: received.from.port)
        #expect(answer == received.from)
        #expect(four.send([2], to: received.from))
        let back = next(both)
        #expect(back?.bytes == [2] && back?.from == fourAddress)
        // The other way there is none.
        #expect(try !four.send([3], to: address("[::1]:7433")))
    }

    @Test func namesAreNotSentToAndResolveElsewhere() throws {
        let (socket, _) = try socket("127.0.0.1")
        #expect(try !socket.send([1], to: address("localhost:7433")))
        let found = DatagramSocket.resolve("localhost", port: 7433)
        #expect(!found.isEmpty && found.allSatisfy { $0.isLoopback && $0.port == 7433 })
        #expect(DatagramSocket.resolve("no-such-name.invalid", port: 7433).isEmpty)
    }

    @Test func aFloodedSocketDoesNotKeepTheThreadForEver() throws {
        let port = DatagramPort(faults: [])
        var number = 0
        for candidate in 31_000..<32_000
        where (try? port.open(host: "127.0.0.1", port: candidate, bytesMax: 10)) != nil {
            number = candidate
            break
        }
        let own = try address("127.0.0.1:\(number)")
        var count = 0
        // As many come as are read.
        port.send([1], to: own, at: .origin)
        port.drain { _, _ in
            count += 1
            port.send([1], to: own, at: .origin)
        }
        #expect(count == MeshTransportLimits.datagramsPerTurn)
        port.close()
        #expect(port.descriptor == nil)
    }

    @Test func aFaultTakesItsShareInAndOut() throws {
        func counts(_ faults: [TransportFault]) throws -> (sent: UInt64, got: UInt64, lost: UInt64)
        {
            let port = DatagramPort(faults: faults)
            var number = 0
            for candidate in 32_000..<33_000
            where (try? port.open(host: "127.0.0.1", port: candidate, bytesMax: 10)) != nil {
                number = candidate
                break
            }
            let own = try address("127.0.0.1:\(number)")
            for _ in 0..<400 {
                port.send([1], to: own, at: .origin)
                port.drain { _, _ in }
            }
            return (port.sent, port.received, port.droppedOnPurpose)
        }
        #expect(try counts([]) == (400, 400, 0))
        #expect(try counts([.dropDatagrams(share: 1)]) == (0, 0, 400))
        let (sent, got, lost) = try counts([.dropDatagrams(share: 0.5)])
        // Each bound is missed by chance once in a billion runs.
        #expect((140...260).contains(sent) && (60...140).contains(got))
        #expect(sent + lost >= 400 && got + lost <= 400 + 400 - sent)
    }
}
