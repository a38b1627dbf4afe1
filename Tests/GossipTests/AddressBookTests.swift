import Testing
import Wire

@testable import Gossip

private func at(_ seconds: Int) -> MonotonicInstant { .origin + .seconds(seconds) }

private func place(_ text: String) -> NetworkAddress {
    guard let address = NetworkAddress(text) else { preconditionFailure("\(text) is an address") }
    return address
}

/// One member, 2, and what a book knows of it.
private struct Shelf {
    var book = AddressBook()
    var candidates: [NetworkAddress]

    init(_ candidates: [NetworkAddress]) { self.candidates = candidates }

    mutating func heard(_ number: UInt64 = 2, from address: NetworkAddress, at seconds: Int) {
        book.heard(node(number), from: address, candidates: candidates, at: at(seconds))
    }

    mutating func destinations(isInDoubt: Bool = false, at seconds: Int) -> [NetworkAddress] {
        book.destinations(
            of: node(2), candidates: candidates, isInDoubt: isInDoubt, at: at(seconds))
    }
}

@Suite struct AddressBookTests {
    private let home = place("10.0.0.2:7433")
    private let office = place("192.0.2.2:7433")
    private let translated = place("203.0.113.9:40123")

    @Test func `a member that was never heard is looked for at all it signed`() {
        var shelf = Shelf([home, office])
        #expect(shelf.destinations(at: 0) == [home, office])
    }

    @Test func `a member is sent to where it was heard from, alone`() {
        var shelf = Shelf([home, office])
        shelf.heard(from: office, at: 0)
        #expect(shelf.destinations(at: 1) == [office])
        // Quiet for long, and nothing asked of it since: no reason for doubt.
        #expect(shelf.destinations(at: 4) == [office])
        shelf.heard(from: office, at: 5)
        #expect(shelf.destinations(at: 300) == [office])
    }

    @Test func `a further copy confirms a place, and tells of no new one`() {
        for candidates in [[home], [home, office]] {
            var shelf = Shelf(candidates)
            func copied(from address: NetworkAddress, at seconds: Int) {
                shelf.book.heard(
                    node(2), from: address, isCopy: true, candidates: candidates, at: at(seconds))
            }
            copied(from: translated, at: 0)
            #expect(shelf.book.count == 0)
            shelf.heard(from: home, at: 1)
            copied(from: translated, at: 2)
            #expect(shelf.destinations(at: 2) == [home])
            // The copy came first, and the original after it.
            shelf.heard(from: translated, at: 3)
            #expect(shelf.destinations(at: 3).contains(translated))
            copied(from: home, at: 3)
            if candidates.count == 1 { shelf.heard(from: home, at: 3) }
            #expect(shelf.destinations(at: 3) == [home])
        }
    }

    @Test func `a member that does not answer is looked for at all it signed, until it is heard`() {
        var shelf = Shelf([home, office])
        shelf.heard(from: office, at: 0)
        #expect(shelf.destinations(at: 10) == [office])
        #expect(shelf.destinations(at: 11) == [office, home])
        shelf.heard(from: home, at: 12)
        // Both are signed: the earlier one is kept until it has been silent for long.
        #expect(shelf.destinations(at: 12) == [home, office])
        #expect(shelf.destinations(isInDoubt: true, at: 12) == [home, office])
    }

    @Test func `a member in doubt is tried everywhere at once`() {
        var shelf = Shelf([home, office, place("node.example:7433")])
        shelf.heard(from: office, at: 0)
        #expect(shelf.destinations(at: 0) == [office])
        #expect(
            shelf.destinations(isInDoubt: true, at: 0)
                == [office, home, place("node.example:7433")])
    }

    @Test func `a member behind a translator is answered where it was heard from`() {
        var shelf = Shelf([home])
        shelf.heard(from: translated, at: 0)
        #expect(shelf.destinations(at: 1).first == translated)
        for second in 1...60 { shelf.heard(from: translated, at: second * 10) }
        // Proved by time: alone, as long as the way back is open.
        #expect(shelf.destinations(at: 601) == [translated])
        shelf.heard(from: translated, at: 602)
        #expect(shelf.destinations(at: 625) == [translated])
        shelf.heard(from: translated, at: 626)
        #expect(shelf.destinations(at: 660) == [translated, home])
    }

    @Test func `names are looked up only for a member that does not answer`() {
        let name = place("node.example:7433")
        var shelf = Shelf([name])
        #expect(shelf.destinations(at: 0) == [name])
        shelf.heard(from: office, at: 0)
        #expect(shelf.destinations(at: 30) == [office])
        #expect(shelf.destinations(at: 31) == [office, name])
    }

    @Test func `a moved member is sent to at its new address at once`() {
        var shelf = Shelf([home])
        shelf.heard(from: office, at: 0)
        shelf.heard(from: translated, at: 700)
        #expect(shelf.destinations(at: 700).contains(translated))
    }

    @Test func `who is faster with copies adds a destination and takes none away`() {
        // Signed addresses: the member stays reached however long the race goes on.
        let thief = place("198.51.100.66:9")
        var shelf = Shelf([home])
        for second in 0..<500 {
            shelf.heard(from: thief, at: second)
            #expect(shelf.destinations(at: second).contains(home))
        }
        shelf.heard(from: home, at: 500)
        #expect(shelf.destinations(at: 500) == [home])
        #expect(shelf.book.count == 0)
        // With several signed ones, the thief that came first goes at once as well.
        shelf = Shelf([home, office])
        shelf.heard(from: thief, at: 0)
        shelf.heard(from: home, at: 1)
        #expect(shelf.destinations(at: 1) == [home])
        // Behind a translator: for as long as an address is on probation.
        shelf = Shelf([home])
        for second in 0..<300 { shelf.heard(from: translated, at: second) }
        for second in 300..<890 {
            let thief = NetworkAddress(host: .v4([198, 51, 100, UInt8(second % 200)]), port: 9)
            thief.map { shelf.heard(from: $0, at: second) }
            #expect(shelf.destinations(at: second).contains(translated), "second \(second)")
        }
        shelf.heard(from: translated, at: 890)
        #expect(shelf.destinations(at: 891) == [translated])
    }

    @Test func `an address that speaks for another member now is no longer relied upon`() {
        var shelf = Shelf([home, office])
        shelf.heard(2, from: translated, at: 0)
        shelf.heard(2, from: translated, at: 700)
        #expect(shelf.destinations(at: 701) == [translated])
        shelf.heard(3, from: translated, at: 702)
        #expect(shelf.destinations(at: 702) == [home, office, translated])
        // The member is heard elsewhere: the address is forgotten.
        shelf.heard(2, from: office, at: 703)
        #expect(shelf.destinations(at: 703) == [office])
    }

    @Test func `a member with more addresses than a datagram goes to is found at any of them`() {
        let many = (1...8).compactMap {
            NetworkAddress(host: .v4([10, 0, 1, UInt8($0)]), port: 7433)
        }
        var shelf = Shelf(many)
        var tried: Set<NetworkAddress> = []
        for second in 0..<8 {
            let list = shelf.destinations(at: second)
            #expect(list.count == AddressLimits.destinationsMax)
            #expect(list.first == many[0])
            tried.formUnion(list)
        }
        #expect(tried.count == 8)
    }

    @Test func `a member heard where it says it is needs no entry`() {
        var shelf = Shelf([home])
        shelf.heard(from: home, at: 0)
        #expect(shelf.book.count == 0)
        #expect(shelf.destinations(at: 0) == [home])
        #expect(
            shelf.book.isSettled(node(2), at: home, candidates: [home], now: at(0)))
    }

    @Test func `where a member is is told to it only after it has been there a while`() {
        var shelf = Shelf([home])
        shelf.heard(from: translated, at: 0)
        func isSettled(_ address: NetworkAddress, at seconds: Int) -> Bool {
            shelf.book.isSettled(node(2), at: address, candidates: [home], now: at(seconds))
        }
        #expect(!isSettled(translated, at: 5))
        #expect(isSettled(translated, at: 10))
        #expect(!isSettled(office, at: 10))
        shelf.heard(from: office, at: 11)
        #expect(!isSettled(translated, at: 12))
    }

    @Test func `any sequence keeps to the bounds and repeats no destination`() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var random = TestRandom(seed: seed)
            var book = AddressBook()
            var now = MonotonicInstant.origin
            let addresses = (0..<20).compactMap {
                NetworkAddress(host: .v4([10, 0, 0, UInt8($0)]), port: 7433)
            }
            for step in 0..<3000 {
                now = now + .milliseconds(Int64(random.next() % 20_000))
                let id = node(random.next() % 10)
                let candidates = Array(
                    addresses.shuffled(using: &random).prefix(Int(random.next() % 9)))
                let heard = addresses[Int(random.next() % 20)]
                switch random.next() % 8 {
                case 0: book.forget(id)
                case 1: book.sweep { $0 < node(8) }
                case 2...4: book.heard(id, from: heard, candidates: candidates, at: now)
                default:
                    let list = book.destinations(of: id, candidates: candidates, at: now)
                    #expect(
                        list.count <= AddressLimits.destinationsMax
                            && Set(list).count == list.count
                            && (candidates.isEmpty || !list.isEmpty), "seed \(seed), step \(step)")
                }
            }
            #expect(book.count <= 10)
            book.sweep { _ in false }
            #expect(book.count == 0)
        }
    }

    @Test func `the book is bounded`() {
        var book = AddressBook()
        for number in 0..<UInt64(AddressLimits.placesMax + 100) {
            let source = NetworkAddress(
                host: .v4([10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]),
                port: 7433)
            source.map { book.heard(node(number), from: $0, candidates: [], at: at(0)) }
        }
        #expect(book.count == AddressLimits.placesMax)
    }
}

/// What a node hears of its own address.
private struct Ear {
    var own = ObservedAddresses()
    var members = 5

    init(configured: [NetworkAddress] = [place("10.0.0.1:7433")]) { own.configured = configured }

    mutating func reported(_ address: NetworkAddress, by number: UInt64, at seconds: Int) {
        own.reported(address, by: node(number), from: source(number), at: at(seconds))
    }

    mutating func candidates(at seconds: Int) -> [NetworkAddress] {
        own.candidates(members: members, at: at(seconds))
    }

    /// Reported every second in `seconds` by `numbers`; what the node says of itself then.
    mutating func hear(
        _ address: NetworkAddress, by numbers: [UInt64], during seconds: Range<Int>
    ) -> [NetworkAddress] {
        var last: [NetworkAddress] = []
        for second in seconds {
            for number in numbers { reported(address, by: number, at: second) }
            last = candidates(at: second)
        }
        return last
    }
}

/// Where a member reports from.
private func source(_ number: UInt64) -> NetworkAddress { address(number) }

@Suite struct ObservedAddressTests {
    private let seen = place("203.0.113.9:40123")
    private let configured = place("10.0.0.1:7433")

    @Test func `an address that two members report for a while is added after the configured ones`()
    {
        var ear = Ear()
        #expect(ear.hear(seen, by: [2, 3], during: 0..<30) == [configured])
        #expect(ear.hear(seen, by: [2, 3], during: 30..<32) == [configured, seen])
        #expect(ear.own.adopted == [seen])
    }

    @Test func `one member alone, however often it reports, adds nothing`() {
        var ear = Ear()
        #expect(ear.hear(seen, by: [2], during: 0..<300) == [configured])
    }

    @Test func `two members in one place are one source`() {
        var ear = Ear()
        for second in 0..<300 {
            for number in [2, 3] as [UInt64] {
                ear.own.reported(
                    seen, by: node(number), from: place("192.0.2.5:\(7000 + number)"),
                    at: at(second))
            }
            #expect(ear.candidates(at: second) == [configured])
        }
    }

    @Test func `a translator that shows each peer another port gives no address`() {
        var ear = Ear()
        for second in 0..<300 {
            ear.reported(place("203.0.113.9:40001"), by: 2, at: second)
            ear.reported(place("203.0.113.9:40002"), by: 3, at: second)
            #expect(ear.candidates(at: second) == [configured])
        }
    }

    @Test func `in a mesh of two the other's word is enough`() {
        var ear = Ear()
        ear.members = 2
        #expect(ear.hear(seen, by: [2], during: 0..<40) == [configured, seen])
    }

    @Test(arguments: [
        "127.0.0.1:7433", "0.0.0.0:7433", "0.1.2.3:7433", "224.0.0.1:7433", "255.255.255.255:7433",
        "169.254.3.4:7433", "[::1]:7433", "[::]:7433", "[ff02::1]:7433", "[fe80::1]:7433",
        "[::ffff:7f00:1]:7433", "203.0.113.9:80", "[::ffff:a00:1]:7433",
    ])
    func `an address that nobody could reach this node at is not believed`(text: String) {
        var ear = Ear()
        let candidates = ear.hear(place(text), by: [2, 3, 4], during: 0..<60)
        #expect(candidates == [configured])
        #expect(ear.own.adopted == [])
    }

    @Test func `loopback is believed where that is listened at`() {
        let loopback = place("127.0.0.1:7000")
        var ear = Ear(configured: [loopback])
        let other = place("127.0.0.1:7433")
        #expect(ear.hear(other, by: [2, 3], during: 0..<40) == [loopback, other])
    }

    @Test func `an address goes when nobody reports it any more`() {
        var ear = Ear()
        _ = ear.hear(seen, by: [2, 3], during: 0..<40)
        #expect(ear.candidates(at: 600) == [configured, seen])
        #expect(ear.candidates(at: 640) == [configured])
    }

    @Test func `the claim changes at most once a minute`() {
        var ear = Ear()
        var changes: [Int] = []
        var last: [NetworkAddress] = [configured]
        for second in 0..<1200 {
            // Two honest members see the address change all the time, and a third invents some.
            let port = 40_000 + second / 35
            ear.reported(place("203.0.113.9:\(port)"), by: 2, at: second)
            ear.reported(place("203.0.113.9:\(port)"), by: 3, at: second)
            ear.reported(place("203.0.113.9:\(port - second % 2)"), by: 4, at: second)
            let now = ear.candidates(at: second)
            if now != last { changes.append(second) }
            last = now
        }
        #expect(changes.count > 5)
        for (earlier, later) in zip(changes, changes.dropFirst()) {
            #expect(later - earlier >= 60)
        }
    }

    @Test func `an address in use is not displaced by others that are reported too`() {
        var ear = Ear()
        _ = ear.hear(seen, by: [2, 3], during: 0..<40)
        let others = ["198.51.100.1:7433", "198.51.100.2:7433", "198.51.100.3:7433"].map(place)
        for second in 40..<300 {
            ear.reported(seen, by: 2, at: second)
            ear.reported(seen, by: 3, at: second)
            for (index, other) in others.enumerated() {
                ear.reported(other, by: UInt64(10 + 2 * index), at: second)
                ear.reported(other, by: UInt64(11 + 2 * index), at: second)
            }
            _ = ear.candidates(at: second)
        }
        #expect(ear.own.adopted == [seen, others[0]])
    }

    @Test func `configured addresses fill the claim first, and it keeps to its bound`() {
        let many = (1...7).map { place("10.0.1.\($0):7433") }
        var ear = Ear(configured: many)
        _ = ear.hear(seen, by: [2, 3], during: 0..<40)
        let other = place("203.0.113.10:7433")
        for second in 40..<200 {
            ear.reported(seen, by: 2, at: second)
            ear.reported(seen, by: 3, at: second)
            ear.reported(other, by: 4, at: second)
            ear.reported(other, by: 5, at: second)
            _ = ear.candidates(at: second)
        }
        #expect(ear.own.adopted == [seen, other])
        #expect(ear.candidates(at: 200) == many + [seen])
    }

    @Test func `reports are bounded, and each member has one`() {
        var ear = Ear()
        for number in 2..<2000 as Range<UInt64> { ear.reported(seen, by: number, at: 0) }
        #expect(ear.own.count == AddressLimits.reportsMax)
        var one = Ear()
        for port in 2000..<3000 { one.reported(place("203.0.113.9:\(port)"), by: 2, at: 0) }
        #expect(one.own.count == 1)
    }
}
