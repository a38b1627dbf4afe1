import Wire

/// What is kept of one peer, for datagrams. There may be thousands: what passes is kept apart.
struct DatagramSession: Sendable {
    /// Keys between two starts.
    struct Channel: Sendable {
        var send: DatagramKey
        var receive: DatagramKey
        /// The receiving key before the last change of a link key, under which the peer goes on
        /// until it has made the change too.
        var previous: DatagramKey?
        /// When `previous` ends; nil while the peer has not used its successor.
        var previousUntil: MonotonicInstant?
    }

    /// Hellos that no answer came to yet.
    struct Greeting: Sendable {
        /// Their counters lie between these.
        var first: UInt64
        var last: UInt64
        var latest: MonotonicInstant
        /// The last one of one's own accord.
        var own: MonotonicInstant?
        /// The last one in reply to data of an earlier start.
        var inReply: MonotonicInstant?
        /// The first one through a relay in this interval, and how many there were.
        var relayed: MonotonicInstant?
        var relayedCount = 0
        var retries = 0
    }

    /// The peer's link key, by its last claim or link.
    var linkKey: LinkKey
    /// The generation and incarnation of the last claim that was told of.
    var generation: UInt64 = 0
    var incarnation: UInt32?
    /// What this node's link key and that one make; nil before it was computed.
    var root: DatagramKey?
    /// Whether the two make nothing usable.
    var isUnusable = false
    /// The last number used towards the peer, for all keys: no key sees one twice.
    var counter: UInt64

    /// The peer's start, which came under a key made with one's own; zero for none yet.
    var boot = BootID.zero
    /// The greatest order of a start of the peer that was believed.
    var newestStart: UInt64 = 0
    /// Whether the peer is believed only when it answers: an earlier session was forgotten.
    var isForgetful = false
    /// The numbers that came from `boot`, under whatever key.
    var window = ReplayWindow()
    /// The keys with `boot`; nil when a new start was claimed.
    var channel: Channel?
    /// Whether the peer's link key changed since `channel` was made: it is to be made anew.
    var isStale = false
    /// Whether either key changed since: the peer may have made it anew.
    var mayChange = false

    private var greetingBox: Boxed<Greeting>?
    var greeting: Greeting? {
        get { greetingBox?.value }
        set { greetingBox = newValue.map { Boxed($0) } }
    }
    /// The last hello of the peer's that authenticated.
    var heardBoot = BootID.zero
    var heardHello: UInt64 = 0
    /// Packets that wait for the channel; see ``DatagramSessions/waiting``.
    var waiting: [[UInt8]] = []
    var waitingSince = MonotonicInstant.origin
    /// Whether it is in ``DatagramSessions/queue``.
    var isQueued = false

    var rate = RateBucket()
    /// See ``DatagramLimits/answersElsewhere``.
    var elsewhere = RateBucket()
    /// See ``DatagramLimits/answerBytes``.
    var answers = RateBucket()
    var lastUsed: MonotonicInstant

    init(linkKey: LinkKey, counter: UInt64, at now: MonotonicInstant) {
        self.linkKey = linkKey
        self.counter = counter
        lastUsed = now
    }

    mutating func changeLinkKey(_ new: LinkKey) {
        linkKey = new
        isStale = channel != nil
        forgetRoot()
    }

    /// One of the two link keys is a new one.
    mutating func forgetRoot() {
        root = nil
        isUnusable = false
        mayChange = true
    }

    /// Whether a hello is news. A recording is news once at most, and none that is older than what
    /// was heard already.
    func isNews(_ header: DatagramHeader) -> Bool {
        header.boot == heardBoot
            ? header.counter > heardHello
            : header.boot.high > heardBoot.high && header.boot.high >= newestStart
    }

    /// Whether a start that authenticates is believed without an answer to a hello of now.
    func isNewer(_ boot: BootID) -> Bool { !isForgetful && boot.high > newestStart }

    /// Whether a hello may go now, by `way`; if so it is noted.
    mutating func mayGreet(_ way: DatagramSessions.Way, at now: MonotonicInstant) -> Bool {
        let interval = DatagramLimits.helloInterval
        var greeting = self.greeting ?? Greeting(first: counter + 1, last: counter, latest: now)
        switch way {
        case .ownAccord:
            if let sent = greeting.own, now - sent < interval { return false }
            greeting.own = now
            greeting.retries = 0
        case .repeated:
            guard greeting.own != nil, greeting.retries < DatagramLimits.helloRetriesMax else {
                return false
            }
            greeting.own = now
            greeting.retries += 1
        case .inReply:
            if let sent = greeting.inReply, now - sent < interval { return false }
            greeting.inReply = now
        case .relay:
            if greeting.relayed.map({ now - $0 >= interval }) ?? true {
                greeting.relayed = now
                greeting.relayedCount = 0
            }
            guard greeting.relayedCount < DatagramLimits.relayedHellosMax else { return false }
            greeting.relayedCount += 1
        }
        if now - greeting.latest > DatagramLimits.helloLifetime { greeting.first = counter + 1 }
        greeting.latest = now
        greeting.last = counter + 1
        self.greeting = greeting
        return true
    }

    /// Whether an answer to a hello with these low 32 bits is awaited.
    func awaits(_ echo: UInt32, at now: MonotonicInstant) -> Bool {
        guard let greeting, now - greeting.latest <= DatagramLimits.helloLifetime else {
            return false
        }
        // The range is short: other numbers went to this peer in between, but few.
        let offset = echo &- UInt32(truncatingIfNeeded: greeting.first)
        return UInt64(offset) <= greeting.last - greeting.first
    }

    // MARK: Data

    /// What came of a datagram of the session's.
    enum Receipt {
        case packet([UInt8])
        /// Authentic, and nothing in it, or not the first copy.
        case empty, duplicate
        case tooOld
        /// Authentic, and one too many.
        case overLimit
        /// Of another start, or under keys that are not the session's.
        case foreign
    }

    /// The next number towards the peer.
    mutating func nextNumber() -> UInt64 {
        counter += 1
        return counter
    }

    /// A packet under the session's keys, if there are some, and whether new ones are to be made.
    mutating func seal(
        _ packet: [UInt8], _ header: DatagramHeader, cipher: any DatagramCipher
    ) -> (datagram: [UInt8], isStale: Bool)? {
        guard let key = channel?.send else { return nil }
        var header = header
        header.counter = nextNumber()
        return (header.sealed(packet, key: key, cipher: cipher), isStale)
    }

    /// Takes in data under the session's keys. Only what authenticates changes anything, and the
    /// window before all.
    mutating func receive(
        _ datagram: [UInt8], _ header: DatagramHeader, cipher: any DatagramCipher,
        at now: MonotonicInstant
    ) -> Receipt {
        guard header.boot == boot, channel != nil else { return .foreign }
        guard !window.isTooOld(header.counter) else { return .tooOld }
        guard let plaintext = open(datagram, header, cipher: cipher, at: now) else {
            return .foreign
        }
        guard window.mark(header.counter) else { return .duplicate }
        lastUsed = now
        guard !plaintext.isEmpty else { return .empty }
        guard rate.take(DatagramLimits.packetsPerMember, at: now) else { return .overLimit }
        return .packet(plaintext)
    }

    /// The plaintext under the session's keys, of which there may be two.
    private mutating func open(
        _ datagram: [UInt8], _ header: DatagramHeader, cipher: any DatagramCipher,
        at now: MonotonicInstant
    ) -> [UInt8]? {
        guard let receive = channel?.receive else { return nil }
        if let plaintext = cipher.open(
            datagram, header: DatagramLimits.headerBytes, key: receive, counter: header.counter)
        {
            if channel?.previous != nil, channel?.previousUntil == nil {
                channel?.previousUntil = now + DatagramLimits.previousLifetime
            }
            return plaintext
        }
        guard let previous = channel?.previous else { return nil }
        if let end = channel?.previousUntil, now >= end {
            channel?.previous = nil
            return nil
        }
        return cipher.open(
            datagram, header: DatagramLimits.headerBytes, key: previous, counter: header.counter)
    }
}
