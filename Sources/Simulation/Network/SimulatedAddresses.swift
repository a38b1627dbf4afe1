public import Wire

/// Addresses, by number, and who has them. An address begins as the node's of the same number and
/// may pass to another.
struct SimulatedAddresses: Sendable {
    private var holders: [Int?]
    private var own: [Int]
    private var forms: [NetworkAddress]

    init(nodes: Int) {
        holders = (0..<nodes).map { $0 }
        own = Array(0..<nodes)
        forms = (0..<nodes).map(Self.address)
    }

    /// `10.a.b.c:7433`, with the number in a, b and c.
    static func address(_ number: Int) -> NetworkAddress {
        let host = [10, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
        guard let address = NetworkAddress(host: .v4(host), port: 7433) else {
            preconditionFailure("four bytes are a host")
        }
        return address
    }

    /// An address by its number.
    subscript(number: Int) -> NetworkAddress { forms[number] }

    /// A node's name: it leads to the node's own address of the moment.
    static func name(_ node: Int) -> NetworkAddress {
        guard let address = NetworkAddress(host: .name("node-\(node)"), port: 7433) else {
            preconditionFailure("letters, a hyphen and digits are a name")
        }
        return address
    }

    /// The number of an address, or of the one that a name leads to; nil for one that nobody ever
    /// had.
    func number(of address: NetworkAddress) -> Int? {
        if case .name(let name) = address.host {
            guard name.hasPrefix("node-"), let node = Int(name.dropFirst(5)),
                own.indices.contains(node)
            else { return nil }
            return own[node]
        }
        guard case .v4(let host) = address.host, address.port == 7433, host[0] == 10 else {
            return nil
        }
        let number = Int(host[1]) << 16 | Int(host[2]) << 8 | Int(host[3])
        return number < forms.count ? number : nil
    }

    /// The number of a node's own address.
    func own(_ node: Int) -> Int { own[node] }

    /// Who has an address now, up or not.
    func holder(_ number: Int) -> Int? { holders[number] }

    /// Moves a node to another's address, and that one, if it has it still, to a new one.
    mutating func move(_ node: Int, toThatOf other: Int) {
        let wanted = own[other]
        guard wanted != own[node] else { return }
        holders[own[node]] = nil
        if holders[wanted] != nil {
            own[other] = forms.count
            forms.append(Self.address(forms.count))
            holders.append(other)
        }
        holders[wanted] = node
        own[node] = wanted
    }
}

extension MembershipSimulation {
    /// Where a node is to be found at the beginning of a run.
    public static func address(of node: Int) -> NetworkAddress { SimulatedAddresses.address(node) }
}
